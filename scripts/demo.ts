/**
 * Owns `npm run demo`: it starts servers, Slotline, the shop and the reader in this order, and ends them in reverse. Everything that it
 * starts it also ends: after --seconds, on Ctrl-C, and on any failure.
 */
import process from 'node:process';
import { styleText } from 'node:util';
import type pg from 'pg';
import { startKafka } from '../test/harness/kafka.ts';
import { type PostgresHandle, postgresHandle, startPostgres } from '../test/harness/postgres.ts';
import { until } from '../test/harness/until.ts';
import { DemoError, type DemoOptions, parseDemoOptions, requireFreePorts, USAGE } from './demo/options.ts';
import { createShop, runShop, SHOP_KEYS } from './demo/shop.ts';
import { formatBytes, readSlotLag } from './demo/slot-lag.ts';
import { type SlotlineProcess, startSlotline } from './demo/slotline-process.ts';
import { readTopics, type Tally, type TopicReader } from './demo/topic-reader.ts';
import { ensureStack, StackError } from './stack.ts';

const DATABASE = 'shop';
const SLOT = 'slotline_demo';
const TOPIC_PREFIX = 'shop.public.';
const LAG_INTERVAL_MS = 250;
/** The lag is printed once in this many looks. */
const LAG_PRINT_EVERY = 12;
const SLOT_TIMEOUT_MS = 60_000;
const CATCH_UP_TIMEOUT_MS = 15_000;
/** One Ctrl-C of the terminal reaches us more than once, through npm as well. Only one that comes later is a second Ctrl-C. */
const IMPATIENT_AFTER_MS = 1_500;

const say = (line: string): void => console.log(`${styleText('cyan', '[demo]')} ${line}`);

/** The demo's servers, which the demo has started or the environment has named. */
type Servers = { readonly postgres: PostgresHandle; readonly bootstrapServers: string };

/** Aborts at Ctrl-C or SIGTERM; a second one some time later ends at once, and the harness's guard kills the servers. */
function interruptSignal(): AbortController {
  const controller = new AbortController();
  let firstMs = 0;
  const onSignal = (): void => {
    if (controller.signal.aborted && Date.now() - firstMs > IMPATIENT_AFTER_MS) process.exit(130);
    if (controller.signal.aborted) return;
    firstMs = Date.now();
    say('stopping (Ctrl-C again: at once)');
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  return controller;
}

async function demo(o: DemoOptions): Promise<void> {
  if (!o.attach) await requireFreePorts(o);
  if (!o.attach) await ensureStack(['postgres18', 'kafka'], (line) => console.log(line));
  const interrupt = interruptSignal();
  await using cleanup = new AsyncDisposableStack();
  const servers = o.attach ? namedServers() : await unlessInterrupted(startServers(o, cleanup), interrupt.signal);
  if (servers === undefined) return;
  const client = await servers.postgres.connect(DATABASE);
  cleanup.defer(() => client.end());
  await createShop(client);
  say(`the shop has ${Object.keys(SHOP_KEYS).length} tables`);
  await runAll({ ...o, ...servers, client, interrupt, cleanup });
}

/** On an interrupt it does not wait for servers that are still starting: our exit ends them. */
async function unlessInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  work.catch(() => undefined);
  const interrupted = new Promise<undefined>((settle) => signal.addEventListener('abort', () => settle(undefined), { once: true }));
  return await Promise.race([work, interrupted]);
}

async function startServers(o: DemoOptions, cleanup: AsyncDisposableStack): Promise<Servers> {
  say(`starting PostgreSQL 18 on port ${o.postgresPort} and Kafka on port ${o.kafkaPort}`);
  const [postgres, kafka] = await Promise.allSettled([
    startPostgres({ major: 18, port: o.postgresPort }),
    startKafka({ port: o.kafkaPort }),
  ]);
  if (postgres.status === 'fulfilled') cleanup.use(postgres.value);
  if (kafka.status === 'fulfilled') cleanup.use(kafka.value);
  if (postgres.status === 'rejected') throw postgres.reason;
  if (kafka.status === 'rejected') throw kafka.reason;
  await postgres.value.createDatabase(DATABASE);
  say('servers are up');
  return { postgres: postgres.value, bootstrapServers: kafka.value.bootstrapServers };
}

function namedServers(): Servers {
  const read = (name: string): string => {
    const value = process.env[name];
    if (!value) throw new DemoError(`--attach needs ${name}`);
    return value;
  };
  const postgres = postgresHandle({
    major: 18,
    host: read('DEMO_POSTGRES_HOST'),
    port: Number(read('DEMO_POSTGRES_PORT')),
    socketDir: '',
    superuser: read('DEMO_POSTGRES_USER'),
    password: read('DEMO_POSTGRES_PASSWORD'),
  });
  return { postgres, bootstrapServers: read('DEMO_KAFKA') };
}

type Run = DemoOptions & Servers & { client: pg.Client; interrupt: AbortController; cleanup: AsyncDisposableStack };

async function runAll(o: Run): Promise<void> {
  const { interrupt, cleanup } = o;
  const slotline = o.attach ? undefined : startOwnSlotline(o);
  let exitCode: number | null | undefined;
  const stopSlotline = async (): Promise<void> => {
    exitCode ??= await slotline?.stop();
  };
  cleanup.defer(stopSlotline);
  const reader = await untilSlotlineFails(slotline, openReader(o));
  if (reader === undefined) return;
  cleanup.defer(() => reader.stop());
  const maxLagBytes = await untilSlotlineFails(slotline, runWorkload(o));
  const complete = await untilSlotlineFails(slotline, catchUp(o.client, reader.tally));
  await stopSlotline();
  printSummary(reader.tally, { maxLagBytes, complete, exitCode });
  if (slotline !== undefined && exitCode !== 0) throw new DemoError(`Slotline ended with exit code ${exitCode}`);
  if (!complete && !interrupt.signal.aborted) throw new DemoError('the topics do not agree with the tables');
}

function startOwnSlotline({ postgres, bootstrapServers }: Run): SlotlineProcess {
  say('starting Slotline: slotline run --config config/demo.json');
  const env = {
    DEMO_KAFKA: bootstrapServers,
    DEMO_POSTGRES_HOST: postgres.host,
    DEMO_POSTGRES_PORT: String(postgres.port),
    DEMO_POSTGRES_USER: postgres.superuser,
    DEMO_POSTGRES_PASSWORD: postgres.password,
  };
  return startSlotline({ env, print: (line) => console.log(styleText('gray', `[slotline] ${line}`)) });
}

/** Rejects when Slotline ends by itself; its last log lines are the reason. */
async function untilSlotlineFails<T>(slotline: SlotlineProcess | undefined, work: Promise<T>): Promise<T> {
  if (slotline === undefined) return await work;
  const failure = slotline.exited.then(({ code, lastLines }) => {
    throw new DemoError(`Slotline ended with exit code ${code}; it said last: ${lastLines.at(-1) ?? '(nothing)'}`);
  });
  failure.catch(() => undefined);
  work.catch(() => undefined);
  return await Promise.race([work, failure]);
}

/** Undefined where the demo was interrupted before there was anything to read. */
async function openReader({ client, bootstrapServers, interrupt: { signal } }: Run): Promise<TopicReader | undefined> {
  const ready = async (): Promise<boolean> => signal.aborted || (await readSlotLag(client, SLOT)) !== undefined;
  await until('Slotline has made its replication slot', ready, { timeoutMs: SLOT_TIMEOUT_MS });
  const topics = Object.keys(SHOP_KEYS).map((table) => `${TOPIC_PREFIX}${table}`);
  const wholeBefore = [`${TOPIC_PREFIX}customers`];
  const reader = await readTopics({ bootstrapServers, topics, wholeBefore, print: (line) => console.log(line), signal });
  if (!signal.aborted) return reader;
  await reader.stop();
  return undefined;
}

/** Runs the shop for the asked time or until Ctrl-C. Gives the highest lag seen. */
async function runWorkload({ client, postgres, interrupt, seconds }: Run): Promise<number> {
  let maxLagBytes = 0;
  let looks = 0;
  const observer = await postgres.connect(DATABASE);
  const observe = async (): Promise<void> => {
    const lag = await readSlotLag(observer, SLOT);
    if (lag === undefined) return;
    maxLagBytes = Math.max(maxLagBytes, lag.lagBytes);
    looks += 1;
    if (looks % LAG_PRINT_EVERY !== 0) return;
    say(styleText('bold', `slot lag ${formatBytes(lag.lagBytes)}, confirmed ${lag.confirmedLsn}${lag.active ? '' : ', NOT ACTIVE'}`));
  };
  const ticker = setInterval(() => void observe().catch((error: unknown) => say(`slot lag: ${String(error)}`)), LAG_INTERVAL_MS);
  const timer = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000);
  try {
    await runShop(client, timer === undefined ? interrupt.signal : AbortSignal.any([interrupt.signal, timer]));
  } finally {
    clearInterval(ticker);
    await observer.end();
  }
  return maxLagBytes;
}

/** True when the topics and the tables have the same live keys. */
async function catchUp(client: pg.Client, tally: Tally): Promise<boolean> {
  const keysByTopic = new Map<string, readonly string[]>();
  for (const [table, keyColumns] of Object.entries(SHOP_KEYS)) {
    const { rows } = await client.query({ text: `select ${keyColumns.join(', ')} from ${table}`, rowMode: 'array' });
    const keys = rows.map((row: readonly unknown[]) => keyText(keyColumns, row));
    keysByTopic.set(`${TOPIC_PREFIX}${table}`, keys);
  }
  const agrees = async (): Promise<boolean> =>
    [...keysByTopic].every(([topic, keys]) => {
      const live = tally.liveKeys.get(topic) ?? new Set();
      return live.size === keys.length && keys.every((key) => live.has(key));
    });
  return await until('the topics hold every change', agrees, { timeoutMs: CATCH_UP_TIMEOUT_MS }).catch(() => false);
}

/** A key in the reader's form. node-postgres gives a bigint as text, while JSON has a number. */
function keyText(columns: readonly string[], row: readonly unknown[]): string {
  const entries = columns.map((name, index) => [name, name === 'sku' ? row[index] : Number(row[index])]);
  return JSON.stringify(Object.fromEntries(entries));
}

function printSummary(tally: Tally, o: { maxLagBytes: number; complete: boolean; exitCode: number | null | undefined }): void {
  const names = { r: 'snapshot reads', c: 'inserts', u: 'updates', d: 'deletes', t: 'truncates', m: 'messages' } as const;
  const ops = [...tally.perOp].map(([op, number]) => `${number} ${names[op]}`);
  const [sent, arrived] = [quantiles(tally.sentMs), quantiles(tally.arrivedMs)];
  say(styleText('bold', `${[...ops, `${tally.tombstones} tombstones`].join(', ')} of ${tally.liveKeys.size} tables`));
  say(
    `from the commit to Slotline's record: ${sent}; to this terminal, by way of kafkajs: ${arrived}; highest slot lag ${formatBytes(o.maxLagBytes)}`,
  );
  say(o.complete ? 'the topics agree with the tables: the same keys live in both' : 'not every change had arrived at the end');
  if (o.exitCode !== undefined) say(`Slotline ended with exit code ${o.exitCode}`);
}

function quantiles(valuesMs: readonly number[]): string {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

/** A failure of the machine or of the command line is one line; anything else is a bug and keeps its stack. */
async function main(): Promise<void> {
  try {
    const options = parseDemoOptions(process.argv.slice(2));
    if (options === undefined) console.log(USAGE);
    else await demo(options);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof DemoError || error instanceof StackError) console.error(`[demo] ${error.message}`);
    else console.error(error);
  }
  process.exit();
}

await main();
