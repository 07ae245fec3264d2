/**
 * Owns `slotline run`: loads the configs, starts a connector for each, and ends when all have stopped; a signal stops them.
 * Exit codes: 0 done, 1 operating failure, 2 config.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { formatNotes, formatProblems, problemsAsJson } from '../config/problems.ts';
import { type SecretReader, secretReader } from '../config/resolve/rotation.ts';
import type { HttpOptions, ResolvedOptions } from '../core/options.ts';
import { SYSTEM_CLOCK } from '../core/time.ts';
import { openHttp } from '../ops/http.ts';
import type { Connector } from '../pipeline/life/connector.ts';
import { createConnector } from '../pipeline/life/create-connector.ts';
import { LiveState } from '../pipeline/life/live-state.ts';
import type { ExitCode, RunArguments } from './args.ts';
import { createLog, LOG_LEVELS, type LogLevel } from './log.ts';
import { progressReporter } from './progress.ts';

/** A stop that takes longer than this is ended by force: the README promises 10 s. */
const STOP_DEADLINE_MS = 9_500;
/** How long connections may still be open after every connector has ended. */
const LINGER_MS = 200;

type LoadedConfigs =
  | { readonly tag: 'loaded'; readonly all: readonly ResolvedOptions[]; readonly secrets: ReadonlyMap<ResolvedOptions, SecretReader> }
  | { readonly tag: 'refused' };

export async function run(args: RunArguments, version: string): Promise<ExitCode> {
  const paths = [...args.configPaths];
  if (args.configFolder !== undefined) {
    const found = configsIn(args.configFolder);
    if (found === undefined) {
      process.stderr.write(`config_unreadable: the folder cannot be read: ${args.configFolder}\n`);
      return 2;
    }
    paths.push(...found);
  }
  const configs = loadAll(paths, args);
  if (configs.tag === 'refused') return 2;
  const connectors = configs.all.map((options) => makeConnector(options, { version, readOptions: configs.secrets.get(options) }));
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) return;
    stopping = true;
    for (const { connector } of connectors) void connector.stop();
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  await using _http = await openHttp(connectors, { log: createLog(leastLevel(configs.all), {}), clock: SYSTEM_CLOCK });
  const ends = connectors.map(({ connector }) => {
    if (!stopping) void connector.start();
    return connector.untilStopped();
  });
  const errors = await Promise.all(ends);
  // A name that is being looked up cannot be called back, and would hold the process until its resolver gives up.
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return errors.every((error) => error === undefined) ? 0 : 1;
}

function configsIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return undefined;
  }
}

/** Prints every problem of every file at once. */
export function loadAll(paths: readonly string[], o: { readonly json: boolean; readonly workerConfig: string | undefined }): LoadedConfigs {
  const loaded: ResolvedOptions[] = [];
  const secrets = new Map<ResolvedOptions, SecretReader>();
  let refused = false;
  for (const path of paths) {
    const result = loadConfig(path, systemEnvironment(process.env), o.workerConfig);
    if (result.tag === 'resolved') {
      loaded.push(result.options);
      secrets.set(result.options, secretReader(result.options, result.again));
      if (result.notes.length > 0 && !o.json) process.stderr.write(`${path}:\n${formatNotes(result.notes)}\n`);
      continue;
    }
    refused = true;
    if (o.json) process.stdout.write(`${JSON.stringify({ file: path, problems: problemsAsJson(result.problems) })}\n`);
    else process.stderr.write(`${path}: the configuration has problems\n${formatProblems(result.problems)}\n`);
  }
  return refused ? { tag: 'refused' } : { tag: 'loaded', all: loaded, secrets };
}

/** All connectors share the HTTP port, so its lines are logged at the most talkative level that one of them has. */
function leastLevel(all: readonly ResolvedOptions[]): LogLevel {
  return LOG_LEVELS.find((level) => all.some(({ logLevel }) => logLevel === level)) ?? 'info';
}

type MadeConnector = { readonly connector: Connector; readonly live: LiveState; readonly http: HttpOptions | undefined };

function makeConnector(
  options: ResolvedOptions,
  { version, readOptions }: { readonly version: string; readonly readOptions: SecretReader | undefined },
): MadeConnector {
  const log = createLog(options.logLevel, { connector: options.name });
  const live = new LiveState(options);
  const connector = createConnector({
    options,
    readOptions,
    log,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    version,
    runId: randomUUID(),
    pid: process.pid,
    live,
    onProgress: progressReporter(log, process.stderr),
  });
  return { connector, live, http: options.http };
}
