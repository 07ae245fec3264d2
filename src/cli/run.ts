/**
 * Owns `slotline run`: loads the configs, runs each connector until it stops or a signal comes, and says how it ended.
 * Exit codes: 0 done, 1 operating failure, 2 config.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { formatNotes, formatProblems, problemsAsJson } from '../config/problems.ts';
import { type SecretReader, secretReader } from '../config/resolve/rotation.ts';
import type { SlotlineError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ResolvedOptions } from '../core/options.ts';
import { SYSTEM_CLOCK } from '../core/time.ts';
import { createProducerIdentity } from '../kafka/producer/identity.ts';
import { openHttp } from '../ops/http.ts';
import type { ConnectorState } from '../pipeline/life/connector.ts';
import { LiveState } from '../pipeline/life/live-state.ts';
import { runConnector } from '../pipeline/life/run-connector.ts';
import { runTask } from '../pipeline/life/task.ts';
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
  const configs = loadAll(paths, { json: args.json });
  if (configs.tag === 'refused') return 2;
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const connectors = configs.all.map((options) => ({ options, live: new LiveState(options.name), http: options.http }));
  await using _http = await openHttp(connectors, { log: createLog(leastLevel(configs.all), {}), clock: SYSTEM_CLOCK });
  const results = await Promise.all(
    connectors.map(({ options, live }) => runOne(options, { version, live, secrets: configs.secrets.get(options) }, stop.signal)),
  );
  // A lookup of a host name cannot be cancelled, and would keep the process alive until the resolver gives up.
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return results.every((error) => error === undefined) ? 0 : 1;
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
export function loadAll(paths: readonly string[], output: { readonly json: boolean }): LoadedConfigs {
  const loaded: ResolvedOptions[] = [];
  const secrets = new Map<ResolvedOptions, SecretReader>();
  let refused = false;
  for (const path of paths) {
    const result = loadConfig(path, systemEnvironment(process.env));
    if (result.tag === 'resolved') {
      loaded.push(result.options);
      secrets.set(result.options, secretReader(result.options, result.again));
      if (result.notes.length > 0 && !output.json) process.stderr.write(`${path}:\n${formatNotes(result.notes)}\n`);
      continue;
    }
    refused = true;
    if (output.json) process.stdout.write(`${JSON.stringify({ file: path, problems: problemsAsJson(result.problems) })}\n`);
    else process.stderr.write(`${path}: the configuration has problems\n${formatProblems(result.problems)}\n`);
  }
  return refused ? { tag: 'refused' } : { tag: 'loaded', all: loaded, secrets };
}

/** All connectors share the HTTP port, so its lines are logged at the most talkative level that one of them has. */
function leastLevel(all: readonly ResolvedOptions[]): LogLevel {
  return LOG_LEVELS.find((level) => all.some(({ logLevel }) => logLevel === level)) ?? 'info';
}

async function runOne(
  options: ResolvedOptions,
  { version, live, secrets }: { readonly version: string; readonly live: LiveState; readonly secrets: SecretReader | undefined },
  stop: AbortSignal,
): Promise<SlotlineError | undefined> {
  const log = createLog(options.logLevel, { connector: options.name });
  const deps = {
    options,
    log,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    version,
    runId: randomUUID(),
    producerIdentity: createProducerIdentity(),
    live,
    onState: (state: ConnectorState) => {
      live.connector = state;
    },
  };
  const memory = { snapshotTaken: false };
  const onProgress = progressReporter(log, process.stderr);
  log.info('connector.start', { version, pid: process.pid, slot: options.slot.name, topicPrefix: options.events.topicPrefix });
  const error = await runConnector(
    (hooks) => runTask({ ...deps, options: secrets?.() ?? options }, memory, { ...hooks, onProgress }),
    { startTimeoutMs: options.startTimeoutMs, retriesMax: options.retriesMax, retryWaitMaxMs: options.retryWaitMaxMs },
    stop,
    deps,
  );
  reportEnd(log, error);
  return error;
}

function reportEnd(log: Log, error: SlotlineError | undefined): void {
  if (error === undefined) {
    log.info('connector.stopped');
    return;
  }
  log.error('connector.failed', {
    code: error.code,
    message: error.message,
    remedy: error.remedy,
    // A bug is reported with its place; an operating error is not.
    stack: error.code === 'unexpected' && error.cause instanceof Error ? error.cause.stack : undefined,
  });
}
