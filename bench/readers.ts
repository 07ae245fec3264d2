/** Owns the two readers that Slotline is compared with: PostgreSQL's own client pg_recvlogical, and the frames-only reader. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { databaseOptions } from '../test/harness/database-options.ts';
import { trackProcess } from '../test/harness/process.ts';
import type { FramesResult, FramesTask } from './frames-reader.ts';
import { BenchError } from './options.ts';
import { endedChildrenCpuUs, ProcessWatch } from './process-figures.ts';
import { PROJECT_DIR } from './slotline-process.ts';
import type { Stage } from './stage.ts';
import { DATABASE, PUBLICATION } from './workload.ts';

export type ReaderResult = { readonly elapsedMs: number; readonly cpuUs: number; readonly peakRssBytes: number };

export const HOW_TO_GET_RECVLOGICAL =
  'pg_recvlogical is missing: it comes with PostgreSQL’s client programs (Debian: apt install postgresql-client; macOS: brew install libpq). The drain goes on without it.';

const DEBIAN_PARENT = '/usr/lib/postgresql';

/** Finds the program itself. Debian's wrapper script, which comes first on PATH, is skipped. */
export function findRecvlogical(): string | undefined {
  const versions = existsSync(DEBIAN_PARENT) ? readdirSync(DEBIAN_PARENT).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(DEBIAN_PARENT, version, 'bin')), ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, 'pg_recvlogical')).find((path) => existsSync(path));
}

/** Measures from the start of the program to its end, so its connecting counts: some ten milliseconds. */
export async function runRecvlogical(stage: Stage, o: { program: string; slot: string; endLsn: string }): Promise<ReaderResult> {
  const { postgres } = stage;
  const target = ['-h', postgres.host, '-p', String(postgres.port), '-U', postgres.superuser, '-d', DATABASE, '-w'];
  const plugin = ['-o', 'proto_version=1', '-o', `publication_names=${PUBLICATION}`];
  const args = [...target, '-S', o.slot, '--start', '-f', '/dev/null', '-n', `--endpos=${o.endLsn}`, ...plugin];
  const cpuBeforeUs = endedChildrenCpuUs();
  const startedMs = performance.now();
  const child = spawn(o.program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', PGPASSWORD: postgres.password, PGSSLMODE: 'disable' },
  });
  const errors = text(child.stderr);
  const { code, peakRssBytes } = await untilEnded(child);
  const elapsedMs = performance.now() - startedMs;
  if (code !== 0) throw new BenchError(`pg_recvlogical ended with ${code}: ${(await errors).trim()}`);
  return { elapsedMs, cpuUs: endedChildrenCpuUs() - cpuBeforeUs, peakRssBytes };
}

/** Measures from the server's acceptance to the last frame, by the reader's own clock. */
export async function runFramesReader(stage: Stage, o: { slot: string; endLsn: string; changes: number }): Promise<ReaderResult> {
  const task: FramesTask = {
    database: databaseOptions(stage.postgres, DATABASE),
    slot: o.slot,
    publication: PUBLICATION,
    endLsn: o.endLsn,
  };
  const child = spawn(process.execPath, [join(PROJECT_DIR, 'bench', 'frames-reader.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(task));
  const output = text(child.stdout);
  const { code, peakRssBytes } = await untilEnded(child);
  if (code !== 0) throw new BenchError(`The frames-only reader ended with ${code}`);
  const result: FramesResult = JSON.parse(await output);
  if (result.rows !== o.changes) throw new BenchError(`The frames-only reader saw ${result.rows} changes, not ${o.changes}`);
  return { elapsedMs: result.elapsedMs, cpuUs: result.cpuUs, peakRssBytes };
}

async function untilEnded(child: ChildProcess): Promise<{ code: number | NodeJS.Signals; peakRssBytes: number }> {
  const { pid } = child;
  if (pid === undefined) throw new BenchError(`${child.spawnfile} cannot be started`);
  const watch = new ProcessWatch(pid);
  const code = await trackProcess(child, pid).exited;
  watch.stop();
  return { code, peakRssBytes: watch.look().peakRssBytes };
}
