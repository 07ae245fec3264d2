/** What `slotline check` says of a schema registry. The registry is a server on loopback that answers as each test tells it. */
import { describe, expect, it } from 'vitest';
import { answer, startMisbehavingRegistry } from '../../test/avro/misbehaving-registry.ts';
import { formatProblems } from '../config/problems.ts';
import { resolveConfig } from '../config/resolve.ts';
import type { ResolvedOptions } from '../core/options.ts';
import { checkRegistries } from './check-registry.ts';

const { signal } = new AbortController();

function options(more: Readonly<Record<string, string>>): ResolvedOptions {
  const required = {
    'database.hostname': 'h',
    'database.user': 'u',
    'database.dbname': 'd',
    'topic.prefix': 'shop',
    'bootstrap.servers': 'localhost:9092',
  };
  const result = resolveConfig({ ...required, ...more }, { variables: {}, readFile: () => '' });
  if (result.tag === 'refused') throw new Error(formatProblems(result.problems));
  return result.options;
}

describe('the check of the schema registry', () => {
  it('asks once for each half in Avro, and registers nothing', async () => {
    await using server = await startMisbehavingRegistry([answer(404, { error_code: 40401 })]);
    const value = { 'value.converter': 'avro', 'value.converter.schema.registry.url': server.url };
    expect(await checkRegistries(options({}), signal)).toEqual([]);
    expect(await checkRegistries(options(value), signal)).toMatchObject([
      { status: 'ok', what: 'The schema registry of value.converter answers' },
    ]);
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /subjects/shop.message-value/versions/latest']);
  });

  it('says what is wrong and how to mend it', async () => {
    await using server = await startMisbehavingRegistry([answer(401, '')]);
    const both = (url: string): Record<string, string> => ({
      'key.converter': 'avro',
      'key.converter.schema.registry.url': 'http://127.0.0.1:1',
      'value.converter': 'avro',
      'value.converter.schema.registry.url': url,
    });
    expect(await checkRegistries(options(both(server.url)), signal)).toMatchObject([
      { check: 'registry.reachable', status: 'fail', code: 'registry_unreachable' },
      {
        check: 'registry.reachable',
        status: 'fail',
        code: 'registry_unauthorized',
        remedy: expect.stringContaining('basic.auth.user.info'),
      },
    ]);
  });
});
