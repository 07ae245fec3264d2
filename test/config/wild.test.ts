/**
 * Configs as people write them (wild/), each with the verdict that it must have. They are written for this test after what public configs use:
 * no line of them is anybody's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ConfigEnvironment } from '../../src/config/environment.ts';
import { type LoadResult, loadConfig } from '../../src/config/load.ts';
import { formatNotes, formatProblems, type Problem } from '../../src/config/problems.ts';

type Wild = {
  readonly about: string;
  readonly verdict: 'accepted' | 'refused';
  /** Such as runs a business: the rest are first steps and examples. */
  readonly production?: boolean;
  /** Parts of the notes, one for each; absent where the notes do not matter. */
  readonly notes?: readonly string[];
  readonly problems?: readonly { readonly key: string; readonly reason: string }[];
  /** Lines of the worker's file, where the config leaves more to it than the brokers. */
  readonly worker?: readonly string[];
} & ({ readonly config: object } | { readonly text: string });

const FOLDER = new URL('wild/', import.meta.url);
const WILD = readdirSync(FOLDER).map((file): [string, Wild] => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Wild,
]);

const ACCEPTED_MIN = 0.8;
const PRODUCTION_ACCEPTED_MIN = 0.7;

/** The files and variables that configs name are those of other machines. */
function load(wild: Wild): LoadResult {
  const text = 'text' in wild ? wild.text : JSON.stringify(wild.config, undefined, 1);
  const secrets = [...text.matchAll(/:([\w.]+)\}/g)].map(([, key]) => `${key}=x`).join('\n');
  const files: Readonly<Record<string, string>> = {
    'connector.json': text,
    'worker.properties': (wild.worker ?? ['bootstrap.servers=kafka:9092']).join('\n'),
  };
  const environment: ConfigEnvironment = {
    variables: new Proxy<Record<string, string>>(
      {},
      { get: (_, name) => (/PORT/.test(String(name)) ? '5432' : /LOGIN/.test(String(name)) ? 'user:x' : 'x') },
    ),
    readFile: (path) => files[path] ?? secrets,
  };
  return loadConfig('connector.json', environment, 'worker.properties');
}

const verdictOf = (result: LoadResult): Wild['verdict'] => (result.tag === 'resolved' ? 'accepted' : 'refused');
const problemsOf = (result: LoadResult): readonly Problem[] => (result.tag === 'refused' ? result.problems : []);

describe('a config of the wild', () => {
  test.each(WILD)('%s', (_, wild) => {
    const result = load(wild);
    expect(formatProblems(problemsOf(result).filter(() => wild.verdict === 'accepted'))).toBe('');
    expect(verdictOf(result)).toBe(wild.verdict);
    expect(
      problemsOf(result)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual((wild.problems ?? []).map(({ key }) => key).toSorted());
    for (const { key, reason } of wild.problems ?? []) {
      expect(problemsOf(result).find((each) => each.key === key)?.reason, key).toContain(reason);
    }
    if (wild.notes === undefined) return;
    const notes = formatNotes(result.notes)
      .split('\n')
      .filter((line) => line !== '');
    expect(
      wild.notes.filter((part) => !notes.some((line) => line.includes(part))),
      notes.join('\n'),
    ).toEqual([]);
    expect(notes, notes.join('\n')).toHaveLength(wild.notes.length);
  });
});

describe('of all of them', () => {
  const accepted = (all: readonly [string, Wild][]): number =>
    all.filter(([, wild]) => verdictOf(load(wild)) === 'accepted').length / all.length;

  test('most are accepted, and most of those that run a business', () => {
    const production = WILD.filter(([, wild]) => wild.production === true);
    expect(WILD.length).toBeGreaterThanOrEqual(60);
    expect(production.length).toBeGreaterThanOrEqual(20);
    expect(accepted(WILD)).toBeGreaterThanOrEqual(ACCEPTED_MIN);
    expect(accepted(production)).toBeGreaterThanOrEqual(PRODUCTION_ACCEPTED_MIN);
  }, 60_000);

  test('every refusal is one short line for each reason', () => {
    for (const [name, wild] of WILD) {
      for (const { reason } of problemsOf(load(wild))) expect(reason.length, name).toBeLessThan(200);
    }
  });
});
