/** Owns reading the recordings of a real Debezium and what a replay of one is configured with. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatProblems } from '../../src/config/problems.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { ResolvedOptions } from '../../src/core/options.ts';

/** Bytes that are not UTF-8 are kept in base64. */
export type RecordedText = string | { readonly base64: string } | null;

export type GoldenRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly key: RecordedText;
  readonly value: RecordedText;
  readonly headers: readonly (readonly [name: string, value: RecordedText])[];
};

export type GoldenCase = {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly setup: readonly string[];
  /** Each step is one transaction. */
  readonly steps: readonly (readonly string[])[];
  readonly records: readonly GoldenRecord[];
};

/** A case without schemas and the same with them: one run of the database serves both. */
export type CaseGroup = { readonly name: string; readonly cases: readonly GoldenCase[] };

const SCHEMAS_SUFFIX = '.schemas';

export function readGroups(folder: string): CaseGroup[] {
  const groups = new Map<string, GoldenCase[]>();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.json')) continue;
    const golden: GoldenCase = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const name = golden.name.endsWith(SCHEMAS_SUFFIX) ? golden.name.slice(0, -SCHEMAS_SUFFIX.length) : golden.name;
    groups.set(name, [...(groups.get(name) ?? []), golden]);
  }
  return [...groups].map(([name, cases]) => ({ name, cases }));
}

export type CaseOptions =
  | { readonly tag: 'resolved'; readonly options: ResolvedOptions }
  | { readonly tag: 'refused'; readonly why: string };

/** `place` wins over what was recorded: servers, database, slot. Throws where the config is wrong and not merely refused. */
export function resolveCase(golden: GoldenCase, place: Readonly<Record<string, string>>): CaseOptions {
  const result = resolveConfig({ ...golden.settings, ...place }, { variables: {}, readFile: () => '' });
  if (result.tag === 'resolved') return result;
  const why = formatProblems(result.problems)
    .split('\n')
    .filter((line) => !line.startsWith('Options that are'))
    .join('; ');
  if (result.problems.some((problem) => problem.kind !== 'unsupported')) throw new Error(`${golden.name} cannot be configured: ${why}`);
  return { tag: 'refused', why };
}

/** The run id that the recorded headers name; the replay is given the same. */
export function recordedRunId(golden: GoldenCase): string {
  for (const { headers } of golden.records) {
    const header = headers.find(([name]) => name === '__debezium.context.runId');
    if (typeof header?.[1] === 'string') return header[1];
  }
  return '00000000-0000-0000-0000-000000000000';
}

export function recordedVersion(golden: GoldenCase): string {
  for (const { value } of golden.records) {
    const found = typeof value === 'string' ? /"source":\{"version":"([^"]*)"/.exec(value) : null;
    if (found?.[1] !== undefined) return found[1];
  }
  throw new Error(`${golden.name} tells no version`);
}

export function topicPrefix(golden: GoldenCase): string {
  return golden.settings['topic.prefix'] ?? '';
}
