/** Owns reading a topic by kcat (librdkafka): a second client that shares no code with ours, and one that knows every codec. */
import { execFile, spawnSync } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** undefined: kcat is there. Otherwise why not, after trying to install Debian's package as root. */
export function kcatMissing(): string | undefined {
  if (spawnSync('kcat', ['-V']).status === 0) return undefined;
  if (process.getuid?.() !== 0) return 'kcat is not installed (Debian package kcat), and only root can install it';
  const installed = spawnSync('apt-get', ['install', '-y', '-q', 'kcat'], { stdio: 'ignore', timeout: 120_000 });
  return installed.status === 0 ? undefined : 'kcat is not installed, and apt-get install kcat failed';
}

type KcatRecord = {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly payload: string;
  readonly headers?: readonly string[];
};

/** What the topic holds now. */
export async function kcatRead(bootstrapServers: string, topic: string): Promise<KcatRecord[]> {
  const args = ['-C', '-q', '-J', '-e', '-o', 'beginning', '-X', 'check.crcs=true', '-b', bootstrapServers, '-t', topic];
  const { stdout } = await run('kcat', args, { maxBuffer: OUTPUT_BYTES_MAX, timeout: 60_000 });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as KcatRecord);
}
