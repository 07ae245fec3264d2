/**
 * Owns what the recorder takes from a case's file and gives to it: a case is its own input, so a new one is a file without records, and its twin
 * with schemas is made from it.
 */
import { readGroups, SPINE_FOLDER, writeCase } from '../case-store.ts';
import { type CaseGroup, type GoldenCase, SCHEMAS_SUFFIX } from '../replay-cases.ts';

/** Every case as it is to be recorded, by name. */
export function readInputs(): Map<string, CaseGroup> {
  const inputs = new Map<string, CaseGroup>();
  for (const { name, cases } of readGroups()) {
    const plain = cases.find((golden) => golden.name === name);
    if (plain === undefined) throw new Error(`${name}${SCHEMAS_SUFFIX}.json stands without ${name}.json`);
    const twin = cases.find((golden) => golden.name !== name);
    const settings = twin?.settings ?? twinSettings(plain);
    inputs.set(name, { name, cases: [complete(plain, false), complete({ ...plain, settings }, true)] });
  }
  return inputs;
}

/** The same, with names of topics of its own. */
function twinSettings({ name, settings }: GoldenCase): Record<string, string> {
  const prefix = prefixOf(name, settings);
  const entries = Object.entries(settings).map(([option, value]) => [
    option,
    option.startsWith('topic.heartbeat.') ? value.replace(prefix, `${prefix}_schemas`) : value,
  ]);
  return { ...Object.fromEntries(entries), 'topic.prefix': `${prefix}_schemas` };
}

function prefixOf(name: string, settings: GoldenCase['settings']): string {
  return settings['topic.prefix'] ?? name.replaceAll('-', '_');
}

/** Settings keep their order; what every case has is added where a new one lacks it. */
function complete(golden: GoldenCase, schemas: boolean): GoldenCase {
  const settings = {
    ...golden.settings,
    'topic.prefix': prefixOf(golden.name, golden.settings),
    'key.converter.schemas.enable': String(schemas),
    'value.converter.schemas.enable': String(schemas),
    'database.dbname': 'spine',
  };
  return { ...golden, name: golden.name + (schemas ? SCHEMAS_SUFFIX : ''), settings };
}

/** Its members in the order of a file. */
export function writeRecorded(golden: GoldenCase): void {
  const { name, server, settings, setup, snapshot, steps, columns, records } = golden;
  writeCase(SPINE_FOLDER, { name, server, settings, setup, snapshot: snapshot ?? true, steps, columns, records });
}
