/**
 * Owns `npm run golden:record [-- option… case…]`: records the cases of test/golden/spine from a real Debezium, in place; all of them
 * where none is named. With `--verify` nothing is written: what is recorded now is compared with what is stored, through the masks.
 *
 *   --verify      compare only; exit code 1 where anything differs
 *   --avro        the cases of test/golden/avro instead: the same statements, Debezium with an Avro converter and a schema registry
 *   --transforms  the cases of test/golden/transforms instead, in each of their formats
 *   --columns     only find out the column types of cases that do not name them; no Debezium is started
 *   --tasks N     cases recorded at once
 */
import { parseArgs } from 'node:util';
import { AVRO_LEFT_OUT, type AvroCase, asJsonRecords, readAvroCases } from '../test/golden/avro-cases.ts';
import {
  AVRO_FOLDER,
  caseNames,
  dropUnusedSchemas,
  readCase,
  readGroups,
  SPINE_FOLDER,
  TRANSFORMS_AVRO_FOLDER,
  TRANSFORMS_FOLDER,
  writeCase,
} from '../test/golden/case-store.ts';
import { differences } from '../test/golden/compare.ts';
import { readInputs, writeRecorded } from '../test/golden/recorder/case-files.ts';
import { type ConnectWorker, startConnect } from '../test/golden/recorder/connect.ts';
import { findColumns, recordGroup } from '../test/golden/recorder/record.ts';
import { recordAvro, recordAvroCase } from '../test/golden/recorder/record-avro.ts';
import { inputOf, TRANSFORM_CASES } from '../test/golden/recorder/transforms/cases.ts';
import type { TransformCase, TransformForm } from '../test/golden/recorder/transforms/chain.ts';
import type { CaseGroup, GoldenCase } from '../test/golden/replay-cases.ts';
import { setup, teardown } from '../test/harness/global-setup.ts';
import { startRegistry } from '../test/harness/registry.ts';
import { missingPostgres, sharedKafka } from '../test/harness/shared.ts';
import { ensureStack, StackError } from './stack.ts';

/** A recording mostly waits. More of them at once only make the waits longer on two cores. */
const TASKS_DEFAULT = 4;

type Named = { readonly name: string };
type Action<Input> = (input: Input) => Promise<string[]>;
type HowToRun = { readonly verify: boolean; readonly tasks: number };

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ avro: { type: 'boolean' }, transforms: { type: 'boolean' }, columns: { type: 'boolean' } },
      ...{ verify: { type: 'boolean' }, tasks: { type: 'string' } },
    },
  });
  const inputs = values.transforms ? [] : chooseInputs(positionals, [...readInputs().values()]);
  const transforms = values.transforms ? chooseInputs(positionals, TRANSFORM_CASES) : [];
  const tasks = Number(values.tasks ?? TASKS_DEFAULT);
  if (!values.columns) await ensureStack(['connect'], (line) => console.log(line));
  try {
    await setup();
    if (values.columns) return await runAll(inputs.filter(lacksColumns), TASKS_DEFAULT, fillColumns);
    await using worker = await startConnect(sharedKafka().bootstrapServers);
    if (values.transforms) return await runTransforms(transforms, worker, { verify: values.verify ?? false, tasks });
    if (values.avro) return await runAvro(inputs, worker, { verify: values.verify ?? false, tasks });
    const stored = new Map(readGroups().map((group) => [group.name, group]));
    const action: Action<CaseGroup> = values.verify
      ? (input) => verify(input, stored.get(input.name), worker)
      : (input) => record(input, worker);
    const code = await runAll(inputs, tasks, whereItCan(action));
    if (!values.verify) dropUnusedSchemas(SPINE_FOLDER);
    return code;
  } finally {
    await teardown();
  }
}

function chooseInputs<Input extends Named>(names: readonly string[], inputs: readonly Input[]): Input[] {
  const unknown = names.filter((wanted) => !inputs.some(({ name }) => name === wanted));
  if (unknown.length > 0) throw new StackError(`No such case: ${unknown.join(', ')}`);
  return inputs.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** Returns the exit code. When one case cannot be recorded, the others still are. */
async function runAll<Input extends Named>(inputs: readonly Input[], tasks: number, action: Action<Input>): Promise<number> {
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

function whereItCan(action: Action<CaseGroup>): Action<CaseGroup> {
  return async (input) => {
    const reason = missingPostgres(input.cases[0]?.server ?? 18);
    return reason === undefined ? await action(input) : [`cannot be recorded here: ${reason}`];
  };
}

async function runOne<Input>(input: Input, action: Action<Input>): Promise<string[]> {
  return await action(input).catch((error: unknown) => [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
}

async function record(input: CaseGroup, worker: ConnectWorker): Promise<string[]> {
  for (const golden of await recordGroup(input, worker)) writeRecorded(golden);
  return [];
}

async function verify(input: CaseGroup, stored: CaseGroup | undefined, worker: ConnectWorker): Promise<string[]> {
  const recorded = await recordGroup(input, worker);
  return recorded.flatMap((golden) => jsonDifferences(input.name, stored?.cases.find(({ name }) => name === golden.name)?.records, golden));
}

function jsonDifferences(group: string, before: GoldenCase['records'] | undefined, golden: GoldenCase): string[] {
  if (before === undefined) return [`${golden.name} is not stored`];
  const sides = { expected: { name: 'stored', records: before }, actual: { name: 'recorded', records: golden.records } };
  return [...differences({ group, ...sides }), ...orderDifference(before, golden.records)];
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

async function runAvro(inputs: readonly CaseGroup[], worker: ConnectWorker, o: HowToRun): Promise<number> {
  await using registry = await startRegistry();
  const stored = new Map(readAvroCases().map((golden) => [golden.name, golden]));
  const action = async (input: CaseGroup): Promise<string[]> => {
    const golden = await recordAvro(input, worker, registry.url);
    if (o.verify) return avroDifferences(stored.get(input.name), golden);
    writeCase(AVRO_FOLDER, golden);
    return [];
  };
  const wanted = inputs.filter(({ name }) => inputs.length === 1 || AVRO_LEFT_OUT[name] === undefined);
  const code = await runAll(wanted, o.tasks, whereItCan(action));
  if (!o.verify) dropUnusedSchemas(AVRO_FOLDER);
  return code;
}

/** The forms of a case one after the other: some of their topics may be the same. */
async function runTransforms(cases: readonly TransformCase[], worker: ConnectWorker, o: HowToRun): Promise<number> {
  await using registry = await startRegistry();
  const code = await runAll(cases, o.tasks, async (one) => {
    const problems: string[] = [];
    for (const form of one.forms) problems.push(...(await runForm({ one, form, worker, registryUrl: registry.url, verify: o.verify })));
    return problems;
  });
  if (!o.verify) for (const folder of [TRANSFORMS_FOLDER, TRANSFORMS_AVRO_FOLDER]) dropUnusedSchemas(folder);
  return code;
}

type FormToRun = { one: TransformCase; form: TransformForm; worker: ConnectWorker; registryUrl: string; verify: boolean };

async function runForm({ one, form, worker, registryUrl, verify: verifies }: FormToRun): Promise<string[]> {
  const input = inputOf(one, form);
  const folder = form === 'avro' ? TRANSFORMS_AVRO_FOLDER : TRANSFORMS_FOLDER;
  const isStored = verifies && caseNames(folder).includes(input.name);
  if (form === 'avro') {
    const golden = await recordAvroCase(input, worker, registryUrl);
    if (verifies) return avroDifferences(isStored ? readCase<AvroCase>(folder, input.name) : undefined, golden);
    writeCase(folder, golden);
    return [];
  }
  for (const { columns: _, ...golden } of await recordGroup({ name: input.name, cases: [input] }, worker)) {
    if (verifies) return jsonDifferences(one.name, isStored ? readCase<GoldenCase>(folder, input.name).records : undefined, golden);
    writeCase(folder, golden);
  }
  return [];
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
