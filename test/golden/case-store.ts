/**
 * Owns the files of recorded cases: every reader and every recorder goes through here.
 *
 * A case is `name.json`: what it is in plain JSON, and each record on a line of its own. A schema stands once for a folder, in
 * `schemas.txt`: a line is its hash and its text, lines are sorted. A file has the hash in its place: in a half of a record
 * `{"schema":hash,"payload":text}` for the text `{"schema":…,"payload":text}`, and in the list `schemas` of a case in Avro.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CaseGroup, type GoldenCase, type RecordedText, SCHEMAS_SUFFIX } from './replay-cases.ts';

export const SPINE_FOLDER = fileURLToPath(new URL('spine', import.meta.url));
export const AVRO_FOLDER = fileURLToPath(new URL('avro', import.meta.url));
export const TRANSFORMS_FOLDER = fileURLToPath(new URL('transforms', import.meta.url));
export const TRANSFORMS_AVRO_FOLDER = fileURLToPath(new URL('transforms/avro', import.meta.url));

const SCHEMAS_FILE = 'schemas.txt';
const HASH_LENGTH = 16;
const HEAD = '{"schema":';
const MIDDLE = ',"payload":';

/** Text by hash. */
type Schemas = Map<string, string>;

/** Without schemas it is a plain text. */
type StoredText = RecordedText | { readonly schema: string; readonly payload: string };
type RecordOf<Text> = { readonly key: Text; readonly value: Text };
type CaseOf<Text> = { readonly name: string; readonly schemas?: readonly string[]; readonly records?: readonly RecordOf<Text>[] };

/** The names of all cases of a folder; twins have names of their own. In the order of their files. */
export function caseNames(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => file.slice(0, -'.json'.length));
}

/** As it was written. */
export function readCase<Case extends CaseOf<RecordedText>>(folder: string, name: string): Case {
  const stored: CaseOf<StoredText> = JSON.parse(readFileSync(caseFile(folder, name), 'utf8'));
  const schemas = schemasOf(folder);
  const fail = (hash: string): never => {
    throw new Error(`${name}: ${SCHEMAS_FILE} has no schema ${hash}`);
  };
  const textOf = (hash: string): string => schemas.get(hash) ?? fail(hash);
  const whole = (half: StoredText): RecordedText => (hasSchema(half) ? joined(textOf(half.schema), half.payload) : half);
  const golden: unknown = {
    ...stored,
    ...(stored.schemas && { schemas: stored.schemas.map(textOf) }),
    ...(stored.records && { records: stored.records.map((record) => ({ ...record, key: whole(record.key), value: whole(record.value) })) }),
  };
  return golden as Case;
}

/** Every case of spine/ with its twin. */
export function readGroups(): CaseGroup[] {
  const groups = new Map<string, GoldenCase[]>();
  for (const file of caseNames(SPINE_FOLDER)) {
    const golden: GoldenCase = { ...readCase<GoldenCase>(SPINE_FOLDER, file) };
    const name = golden.name.endsWith(SCHEMAS_SUFFIX) ? golden.name.slice(0, -SCHEMAS_SUFFIX.length) : golden.name;
    groups.set(name, [...(groups.get(name) ?? []), golden.records === undefined ? { ...golden, records: [] } : golden]);
  }
  return [...groups].map(([name, cases]) => ({ name, cases }));
}

/** What is undefined is left out. Schemas that no case has any more stay until `dropUnusedSchemas`. */
export function writeCase<Case extends CaseOf<RecordedText>>(folder: string, golden: Case): void {
  mkdirSync(folder, { recursive: true });
  const schemas = schemasOf(folder);
  const known = schemas.size;
  const { records, ...rest }: CaseOf<RecordedText> = golden;
  const head = { ...rest, ...(rest.schemas && { schemas: rest.schemas.map((text) => added(schemas, text)) }) };
  const lines = records?.map((record) => {
    const line = { ...record, key: stored(schemas, record.key), value: stored(schemas, record.value) };
    return `  ${JSON.stringify(line)}`;
  });
  const text = JSON.stringify(head, null, 1).slice(0, -'\n}'.length);
  const end = lines === undefined ? '' : lines.length === 0 ? ',\n "records": []' : `,\n "records": [\n${lines.join(',\n')}\n ]`;
  if (schemas.size !== known) writeSchemas(folder, schemas);
  writeFileSync(caseFile(folder, golden.name), `${text}${end}\n}\n`);
}

/** Hashes that cases of the folder name, and those of its list. */
export function schemaHashes(folder: string): { readonly used: ReadonlySet<string>; readonly listed: ReadonlyMap<string, string> } {
  const used = new Set<string>();
  for (const name of caseNames(folder)) {
    const { schemas = [], records = [] }: CaseOf<StoredText> = JSON.parse(readFileSync(caseFile(folder, name), 'utf8'));
    for (const hash of schemas) used.add(hash);
    for (const half of records.flatMap(({ key, value }) => [key, value])) if (hasSchema(half)) used.add(half.schema);
  }
  return { used, listed: schemasOf(folder) };
}

/** To be called when a recording is done. */
export function dropUnusedSchemas(folder: string): void {
  const { used } = schemaHashes(folder);
  const schemas = schemasOf(folder);
  for (const hash of [...schemas.keys()]) if (!used.has(hash)) schemas.delete(hash);
  writeSchemas(folder, schemas);
}

export function schemaHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}

function caseFile(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

const read = new Map<string, Schemas>();

function schemasOf(folder: string): Schemas {
  const known = read.get(folder);
  if (known !== undefined) return known;
  const file = join(folder, SCHEMAS_FILE);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const schemas: Schemas = new Map();
  for (const line of lines) if (line !== '') schemas.set(line.slice(0, HASH_LENGTH), line.slice(HASH_LENGTH + 1));
  read.set(folder, schemas);
  return schemas;
}

function writeSchemas(folder: string, schemas: Schemas): void {
  const lines = [...schemas].map(([hash, text]) => `${hash} ${text}\n`);
  writeFileSync(join(folder, SCHEMAS_FILE), lines.sort().join(''));
}

/** The hash. */
function added(schemas: Schemas, text: string): string {
  const hash = schemaHash(text);
  if (!isOneLine(text)) throw new Error(`A schema that is not one line of text: ${text}`);
  if ((schemas.get(hash) ?? text) !== text) throw new Error(`Two schemas have the hash ${hash}`);
  schemas.set(hash, text);
  return hash;
}

/** Unpaired surrogates would not come back from a file. */
function isOneLine(text: string): boolean {
  return text.isWellFormed() && !/[\r\n]/.test(text);
}

function hasSchema(half: StoredText): half is { readonly schema: string; readonly payload: string } {
  return typeof half === 'object' && half !== null && 'schema' in half;
}

function joined(schema: string, payload: string): string {
  return `${HEAD}${schema}${MIDDLE}${payload}}`;
}

function stored(schemas: Schemas, half: RecordedText): StoredText {
  if (typeof half !== 'string' || !half.startsWith(`${HEAD}{`)) return half;
  const end = objectEnd(half, HEAD.length);
  const schema = half.slice(HEAD.length, end);
  const payload = half.slice(end + MIDDLE.length, -1);
  if (half !== joined(schema, payload) || !isOneLine(schema)) return half;
  return { schema: added(schemas, schema), payload };
}

/** Where the object ends that begins at `start`. */
function objectEnd(json: string, start: number): number {
  let depth = 0;
  for (const { 0: token, index } of json.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (depth === 0) return start + index + 1;
  }
  return json.length;
}
