/** Owns what a replay of a case is configured with: the recorded settings as Slotline reads them. */
import { formatProblems } from '../../src/config/problems.ts';
import { resolveConfig } from '../../src/config/resolve/resolve.ts';
import type { ResolvedOptions } from '../../src/core/options.ts';
import type { GoldenCase } from './replay-cases.ts';

type CaseOptions = { readonly tag: 'resolved'; readonly options: ResolvedOptions } | { readonly tag: 'refused'; readonly why: string };

/**
 * Debezium goes on, whatever is done to the publication, says nothing where changes of partitions come under names that the lists leave out,
 * and ignores old options of transforms.
 */
const AS_DEBEZIUM = {
  'slotline.source.changed.action': 'warn',
  'slotline.allow.loss': 'true',
  'slotline.unwrap.legacy': 'ignore',
};
/** Those of the worker that Debezium ran on. */
const CONVERTERS = { 'key.converter': 'json', 'value.converter': 'json' };

/** `place` wins over what was recorded: servers, database, slot. Throws where the config is wrong and not merely refused. */
export function resolveCase(golden: GoldenCase, place: Readonly<Record<string, string>>): CaseOptions {
  const result = resolveConfig({ ...AS_DEBEZIUM, ...CONVERTERS, ...golden.settings, ...place }, { variables: {}, readFile: () => '' });
  if (result.tag === 'resolved') return result;
  const why = formatProblems(result.problems)
    .split('\n')
    .filter((line) => !line.startsWith('Options that are'))
    .join('; ');
  if (result.problems.some((problem) => problem.kind !== 'unsupported')) throw new Error(`${golden.name} cannot be configured: ${why}`);
  return { tag: 'refused', why };
}

/** What a config must have besides the settings of a case. */
const NOWHERE = {
  'database.hostname': 'localhost',
  'database.user': 'nobody',
  'database.password': 'none',
  'database.dbname': 'none',
  'slot.name': 'none',
  'bootstrap.servers': 'localhost:1',
};

/** Why a case cannot be replayed, if so. */
export function reasonRefused(golden: GoldenCase): string | undefined {
  const result = resolveCase(golden, NOWHERE);
  return result.tag === 'refused' ? `not honoured yet: ${result.why}` : undefined;
}
