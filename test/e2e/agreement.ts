/**
 * Owns asking `check` and a start the same question: one situation on real servers, what the report says, how the start ends, what it
 * logs, what health shows. A start is the product's own task, in this process.
 */
import { expect } from 'vitest';
import { CHECK_DEPS, runCheck } from '../../src/cli/check/check.ts';
import { resolveConfig } from '../../src/config/resolve/resolve.ts';
import { toSlotlineError } from '../../src/core/errors.ts';
import type { Log, LogFields } from '../../src/core/log.ts';
import type { ResolvedOptions } from '../../src/core/options.ts';
import { SYSTEM_CLOCK } from '../../src/core/time.ts';
import type { KafkaClient } from '../../src/kafka/client.ts';
import { createProducerIdentity } from '../../src/kafka/producer/identity.ts';
import { connectorHealth, type Health } from '../../src/ops/health.ts';
import { runAttempt } from '../../src/pipeline/life/attempt.ts';
import { LiveState } from '../../src/pipeline/life/live-state.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

export type Place = { readonly fresh: FreshDatabase; readonly name: string; readonly config: ConnectorConfig };

export type Situation = {
  readonly what: string;
  /** SQL; `NAME` stands for the name of slot and publication. */
  readonly tables?: string;
  readonly config?: ConnectorConfig | undefined;
  readonly prepare?: (place: Place) => Promise<void>;
  /** Undone behind it. */
  readonly restore?: (place: Place) => Promise<void>;
  /** A line of the log that comes only later. */
  readonly untilTold?: string;
  /** The code that both end with; undefined: ready, and it streams or ends in order. */
  readonly refused?: string;
  /** Items that `check` warns of and a start logs, each by its name. Others may be there too. */
  readonly warned?: readonly string[];
};

type Line = { readonly level: string; readonly event: string; readonly fields: LogFields };

type Run = {
  readonly lines: readonly Line[];
  readonly live: LiveState;
  readonly health: () => Health;
  /** Settles when it streams (undefined), ended in order (undefined), or with the code that ended it. */
  readonly outcome: Promise<string | undefined>;
  stop(): Promise<void>;
};

export function resolved(config: ConnectorConfig): ResolvedOptions {
  const result = resolveConfig(config, { variables: {}, readFile: () => '' });
  if (result.tag === 'refused') throw new Error(JSON.stringify(result.problems));
  return result.options;
}

export function startAttempt(options: ResolvedOptions): Run {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}): unknown =>
      lines.push({ level, event, fields });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const live = new LiveState(options);
  const stop = new AbortController();
  const started = Promise.withResolvers<undefined>();
  const deps = {
    options,
    log,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    version: 'test',
    runId: 'test',
    producerIdentity: createProducerIdentity(),
    live,
  };
  const task = runAttempt(
    deps,
    { snapshotTaken: false },
    { started: () => started.resolve(undefined), stop: stop.signal, onProgress: () => {} },
  );
  const ended = task.then(
    () => undefined,
    (error: unknown) => toSlotlineError(error).code,
  );
  return {
    lines,
    live,
    health: () => connectorHealth(live.view()),
    outcome: Promise.race([started.promise, ended]),
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

export async function placeOf(situation: Pick<Situation, 'tables' | 'config'>, major: 14 | 18 = 18): Promise<Place> {
  const fresh = await freshDatabase(major);
  const name = uniqueName('agree');
  const place = { server: fresh.server, database: fresh.database, bootstrapServers: sharedKafka().bootstrapServers, name };
  const config = connectorConfig(place, { 'table.include.list': 'public.item', ...situation.config });
  await fresh.client.query('create table item (id int primary key, v text)');
  if (situation.tables !== undefined) await fresh.client.query(situation.tables.replaceAll('NAME', name));
  return { fresh, name, config };
}

/** A start that streamed once and stopped: the snapshot is remembered. */
export async function streamOnce({ config }: Place): Promise<void> {
  const run = startAttempt(resolved(config));
  expect(await run.outcome).toBeUndefined();
  await run.stop();
}

/** Said when the start comes to the table, or has made its own changes. */
const SAID_BY_TABLE: Readonly<Record<string, string>> = {
  'table.snapshot_misleading': 'tables.snapshot',
  'table.key_misleading': 'tables.keys',
  'heartbeat.action_failed': 'heartbeat.action_query',
  'source.changed': 'postgres.source',
};

/** Fails where the two disagree with each other or with what the situation says. */
export async function expectAgreement(situation: Situation): Promise<void> {
  const place = await placeOf(situation);
  try {
    await situation.prepare?.(place);
    const options = resolved(place.config);
    const report = await runCheck(options, CHECK_DEPS);
    const failed = [...new Set(report.items.filter(({ status }) => status === 'fail').map(({ code }) => code))];
    const warned = report.items.filter(({ status }) => status === 'warn').map(({ check }) => check);
    const run = startAttempt(options);
    const outcome = await run.outcome;
    if (situation.untilTold !== undefined)
      await until(situation.untilTold, async () => run.lines.some(({ event }) => event === situation.untilTold), { timeoutMs: 30_000 });
    const told = run.lines
      .filter(({ event, level }) => event !== 'start.fault' && !(event === 'source.changed' && level === 'info'))
      .map(({ event, fields }) => SAID_BY_TABLE[event] ?? fields['check']);
    await run.stop();
    expect({ check: failed, run: outcome }).toEqual({
      check: situation.refused === undefined ? [] : [situation.refused],
      run: situation.refused,
    });
    expect(warned).toEqual(expect.arrayContaining([...(situation.warned ?? [])]));
    // What only a check of Kafka knows is about topics that do not exist yet.
    const known = warned.filter((check) => !check.startsWith('kafka.'));
    if (situation.refused === undefined) expect([...new Set(told)]).toEqual(expect.arrayContaining(known));
  } finally {
    await situation.restore?.(place);
    await place.fresh.drop();
  }
}

/** Everything written by now is delivered, and the slot is told so. */
export async function confirmed({ fresh, name }: Place): Promise<void> {
  const sql = 'select 1 from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn';
  const { rows } = await fresh.client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  const lsn = rows[0]?.lsn;
  await until('all is confirmed', async () => (await fresh.client.query(sql, [name, lsn])).rows.length > 0, { timeoutMs: 30_000 });
}

/** A client for a check; `meanwhile` happens before and behind each read of a topic. */
export function readingBeside(options: Pick<ResolvedOptions, 'kafka'>, meanwhile: () => Promise<void>): KafkaClient {
  const client = CHECK_DEPS.kafka(options);
  const connect = client.connect.bind(client);
  client.connect = async (endpoint) => {
    const connection = await connect(endpoint);
    const fetch = connection.fetch.bind(connection);
    connection.fetch = async (...asked) => {
      await meanwhile();
      const read = await fetch(...asked);
      await meanwhile();
      return read;
    };
    return connection;
  };
  return client;
}

/** Tells when Kafka has answered and, where the topic of offsets is asked for at once, when that was read. */
export function tellingCluster(client: KafkaClient, onTold: () => void): KafkaClient {
  const describeCluster = client.describeCluster.bind(client);
  const describeTopic = client.describeTopic.bind(client);
  const connect = client.connect.bind(client);
  let reads = false;
  client.describeTopic = (name) => {
    reads = true;
    return describeTopic(name);
  };
  client.connect = async (endpoint) => {
    const connection = await connect(endpoint);
    const destroy = connection.destroy.bind(connection);
    connection.destroy = () => {
      destroy();
      onTold();
    };
    return connection;
  };
  client.describeCluster = async () => {
    const cluster = await describeCluster();
    setImmediate(() => {
      if (!reads) onTold();
    });
    return cluster;
  };
  return client;
}

/** What health says once it waits. */
export async function untilWaiting(run: Run): Promise<Health> {
  return await until('health says what is waited for', async () => (run.health().status === 'waiting' ? run.health() : undefined), {
    timeoutMs: 30_000,
  });
}
