/**
 * Owns `npm run golden:record [-- option… case…]`: records the cases of test/golden/spine from a real Debezium, in place; all of them
 * where none is named. With `--verify` nothing is written: what is recorded now is compared with what is stored, through the masks.
 *
 *   --verify      compare only; exit code 1 where anything differs
 *   --avro        the cases of test/golden/avro instead: the same statements, Debezium with an Avro converter and a schema registry
 *   --columns     only find out the column types of cases that do not name them; no Debezium is started
 *   --tasks N     cases recorded at once
 */
import { parseArgs } from 'node:util';
import { AVRO_LEFT_OUT, type AvroCase, asJsonRecords, readAvroCases } from '../test/golden/avro-cases.ts';
import { AVRO_FOLDER, dropUnusedSchemas, readGroups, SPINE_FOLDER, writeCase } from '../test/golden/case-store.ts';
import { differences } from '../test/golden/compare.ts';
import { readInputs, writeRecorded } from '../test/golden/recorder/case-files.ts';
import { type ConnectWorker, startConnect } from '../test/golden/recorder/connect.ts';
import { findColumns, recordGroup } from '../test/golden/recorder/record.ts';
import { recordAvro } from '../test/golden/recorder/record-avro.ts';
import type { CaseGroup, GoldenCase } from '../test/golden/replay-cases.ts';
import { setup, teardown } from '../test/harness/global-setup.ts';
import { startRegistry } from '../test/harness/registry.ts';
import { missingPostgres, sharedKafka } from '../test/harness/shared.ts';
import { ensureStack, StackError } from './stack.ts';

/** A recording mostly waits. More of them at once only make the waits longer on two cores. */
const TASKS_DEFAULT = 4;

type Action = (input: CaseGroup) => Promise<string[]>;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { avro: { type: 'boolean' }, verify: { type: 'boolean' }, columns: { type: 'boolean' }, tasks: { type: 'string' } },
  });
  const inputs = chooseInputs(positionals);
  const tasks = Number(values.tasks ?? TASKS_DEFAULT);
  if (!values.columns) await ensureStack(['connect'], (line) => console.log(line));
  try {
    await setup();
    if (values.columns) return await runAll(inputs.filter(lacksColumns), TASKS_DEFAULT, fillColumns);
    await using worker = await startConnect(sharedKafka().bootstrapServers);
    if (values.avro) return await runAvro(inputs, worker, { verify: values.verify ?? false, tasks });
    const stored = new Map(readGroups().map((group) => [group.name, group]));
    const action: Action = values.verify ? (input) => verify(input, stored.get(input.name), worker) : (input) => record(input, worker);
    const code = await runAll(inputs, tasks, action);
    if (!values.verify) dropUnusedSchemas(SPINE_FOLDER);
    return code;
  } finally {
    await teardown();
  }
}

function chooseInputs(names: readonly string[]): CaseGroup[] {
  const inputs = readInputs();
  const unknown = names.filter((name) => !inputs.has(name));
  if (unknown.length > 0) throw new StackError(`No such case in ${SPINE_FOLDER}: ${unknown.join(', ')}`);
  return [...inputs.values()].filter(({ name }) => names.length === 0 || names.includes(name));
}

/** Returns the exit code. When one case cannot be recorded, the others still are. */
async function runAll(inputs: readonly CaseGroup[], tasks: number, action: Action): Promise<number> {
  const waiting = [...inputs];
  const bad: string[] = [];
  const runAttempt = async (): Promise<void> => {
    for (let input = waiting.shift(); input !== undefined; input = waiting.shift()) {
      const startedMs = Date.now();
      const problems = await runOne(input, action);
      if (problems.length > 0) bad.push(input.name);
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      console.log([`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${input.name} ${seconds} s`, ...problems].join('\n  '));
    }
  };
  await Promise.all(Array.from({ length: tasks }, runAttempt));
  console.log(`${inputs.length - bad.length} ok, ${bad.length} failed${bad.length === 0 ? '' : `: ${bad.sort().join(' ')}`}`);
  return bad.length === 0 ? 0 : 1;
}

async function runOne(input: CaseGroup, action: Action): Promise<string[]> {
  const reason = missingPostgres(input.cases[0]?.server ?? 18);
  if (reason !== undefined) return [`cannot be recorded here: ${reason}`];
  return await action(input).catch((error: unknown) => [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
}

async function record(input: CaseGroup, worker: ConnectWorker): Promise<string[]> {
  for (const golden of await recordGroup(input, worker)) writeRecorded(golden);
  return [];
}

async function verify(input: CaseGroup, stored: CaseGroup | undefined, worker: ConnectWorker): Promise<string[]> {
  const recorded = await recordGroup(input, worker);
  return recorded.flatMap((golden) => {
    const before = stored?.cases.find(({ name }) => name === golden.name)?.records;
    if (before === undefined) return [`${golden.name} is not stored`];
    const sides = { expected: { name: 'stored', records: before }, actual: { name: 'recorded', records: golden.records } };
    return [...differences({ group: input.name, ...sides }), ...orderDifference(before, golden.records)];
  });
}

/** Compares the order across partitions; within one it is compared already. Heartbeats come by the clock and are left out. */
function orderDifference(before: GoldenCase['records'], now: GoldenCase['records']): string[] {
  const topics = (records: GoldenCase['records']): string =>
    records
      .map(({ topic }) => topic)
      .filter((topic) => !topic.includes('heartbeat'))
      .join('\n');
  return topics(before) === topics(now) ? [] : ['the order across topics differs'];
}

async function runAvro(inputs: readonly CaseGroup[], worker: ConnectWorker, o: { verify: boolean; tasks: number }): Promise<number> {
  await using registry = await startRegistry();
  const stored = new Map(readAvroCases().map((golden) => [golden.name, golden]));
  const action = async (input: CaseGroup): Promise<string[]> => {
    const golden = await recordAvro(input, worker, registry.url);
    if (o.verify) return avroDifferences(stored.get(input.name), golden);
    writeCase(AVRO_FOLDER, golden);
    return [];
  };
  const wanted = inputs.filter(({ name }) => inputs.length === 1 || AVRO_LEFT_OUT[name] === undefined);
  const code = await runAll(wanted, o.tasks, action);
  if (!o.verify) dropUnusedSchemas(AVRO_FOLDER);
  return code;
}

function avroDifferences(stored: AvroCase | undefined, now: AvroCase): string[] {
  if (stored === undefined) return [`${now.name} is not stored`];
  const before = asJsonRecords(stored.records, stored.schemas);
  const records = asJsonRecords(now.records, now.schemas);
  const sides = { expected: { name: 'stored', records: before }, actual: { name: 'recorded', records } };
  const subjects = (golden: AvroCase): string => {
    const texts = Object.entries(golden.subjects).map(([subject, versions]) => [
      subject,
      versions.map((n) => golden.schemas[(n ?? 0) - 1]),
    ]);
    return JSON.stringify(texts);
  };
  const found = [...differences({ group: now.name, ...sides }), ...orderDifference(before, records)];
  return subjects(stored) === subjects(now) ? found : [...found, 'the schemas or their subjects differ'];
}

function lacksColumns({ cases }: CaseGroup): boolean {
  return cases[0]?.columns === undefined;
}

async function fillColumns({ cases }: CaseGroup): Promise<string[]> {
  const [plain] = cases;
  if (plain !== undefined) writeRecorded({ ...plain, columns: await findColumns(plain) });
  return [];
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(`[golden:record] ${error.message}`);
  process.exitCode = 1;
}
