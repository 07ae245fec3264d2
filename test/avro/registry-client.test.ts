/** The registry client against a real schema registry: what it registers, finds and is refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SlotlineError } from '../../src/core/errors.ts';
import { sharedRegistry } from '../harness/registry.ts';
import { uniqueName } from '../harness/shared.ts';
import { openRegistry, registryOptions } from './registry-options.ts';

const REGISTRY_START_MS = 150_000;
const { signal } = new AbortController();
let registry: Awaited<ReturnType<typeof sharedRegistry>>;

beforeAll(async () => {
  registry = await sharedRegistry();
}, REGISTRY_START_MS);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

function record(fields: readonly object[]): string {
  return JSON.stringify({ type: 'record', name: 'Value', namespace: 'shop.orders', fields });
}

const ID = { name: 'id', type: 'int' };
const NOTE = { name: 'note', type: ['null', 'string'], default: null };

async function codeOf(call: Promise<unknown>): Promise<SlotlineError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SlotlineError)) throw new Error('it did not fail as expected', { cause: error });
  return error;
}

async function setCompatibility(subject: string, compatibility: string): Promise<void> {
  const answer = await fetch(`${registry.url}/config/${encodeURIComponent(subject)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ compatibility }),
  });
  expect(answer.ok).toBe(true);
}

describe('a schema registry', () => {
  it('gives one id to a schema however often it is registered, and gives its text back', async () => {
    await using client = openRegistry(registryOptions([registry.url]));
    await using other = openRegistry(registryOptions([`${registry.url}/`]));
    const subject = `${uniqueName('s')}-value`;
    const schema = record([ID]);
    const id = await client.register({ subject, schema }, signal);
    expect(await client.register({ subject, schema }, signal)).toBe(id);
    expect(await other.register({ subject, schema }, signal)).toBe(id);
    expect(await other.lookup({ subject, schema }, signal)).toBe(id);
    expect(JSON.parse(await client.schemaOf(id, signal))).toEqual(JSON.parse(schema));
    expect(await client.latest(subject, signal)).toMatchObject({ id, version: 1 });
  });

  it('gives the id also to those who register the same schema at one moment', async () => {
    const clients = Array.from({ length: 6 }, () => openRegistry(registryOptions([registry.url])));
    try {
      for (const fields of [[ID], [ID, NOTE]]) {
        for (const subject of Array.from({ length: 4 }, (_, index) => `${uniqueName('s')}-${index}-value`)) {
          const ids = await Promise.all(clients.map((client) => client.register({ subject, schema: record(fields) }, signal)));
          expect(new Set(ids).size).toBe(1);
        }
      }
    } finally {
      for (const client of clients) await client[Symbol.asyncDispose]();
    }
  });

  it('knows nothing of subjects, schemas and ids that are not there', async () => {
    await using client = openRegistry(registryOptions([registry.url]));
    const subject = `${uniqueName('s')}-value`;
    expect(await client.latest(subject, signal)).toBeUndefined();
    expect(await client.lookup({ subject, schema: record([ID]) }, signal)).toBeUndefined();
    expect(await client.isCompatible({ subject, schema: record([ID]) }, signal)).toBe(true);
    await client.register({ subject, schema: record([ID]) }, signal);
    expect(await client.lookup({ subject, schema: record([ID, NOTE]) }, signal)).toBeUndefined();
    expect((await codeOf(client.schemaOf(2_000_000_000, signal))).code).toBe('registry_schema_missing');
  });

  it('refuses an incompatible schema: subject, version and fields are named, and nothing is registered', async () => {
    await using client = openRegistry(registryOptions([registry.url]));
    const subject = `${uniqueName('s')}-value`;
    await client.register({ subject, schema: record([ID, NOTE]) }, signal);
    await setCompatibility(subject, 'BACKWARD');
    const wanted = {
      subject,
      schema: record([
        { name: 'id', type: 'string' },
        { name: 'total', type: 'long' },
      ]),
    };
    expect(await client.isCompatible(wanted, signal)).toBe(false);
    const error = await codeOf(client.register(wanted, signal));
    expect(error).toMatchObject({
      code: 'registry_incompatible',
      details: { subject, version: 1, fields: ['id: string, was int', 'total added without default', 'note removed'] },
    });
    expect(await client.latest(subject, signal)).toMatchObject({ version: 1 });
    expect(await client.isCompatible({ subject, schema: record([ID]) }, signal)).toBe(true);
  });

  it('refuses what is no schema', async () => {
    await using client = openRegistry(registryOptions([registry.url]));
    const error = await codeOf(client.register({ subject: uniqueName('s'), schema: '{"type":"record"}' }, signal));
    expect(error).toMatchObject({ code: 'registry_invalid_schema', details: { status: 422 } });
  });

  it('is not taken for one at another path or port: one error says where', async () => {
    const { origin } = new URL(registry.url);
    const register = async (url: string): Promise<SlotlineError> => {
      await using client = openRegistry(registryOptions([url]));
      return await codeOf(client.register({ subject: uniqueName('s'), schema: record([ID]) }, signal));
    };
    for (const path of ['/', '/apis/ccompat/v7/v7', '/apis/registry/v2'])
      expect(await register(origin + path)).toMatchObject({ code: 'registry_bad_answer', details: { status: 404 } });
    expect(await register('http://127.0.0.1:1')).toMatchObject({ code: 'registry_unreachable', details: { reason: 'ECONNREFUSED' } });
    expect(await register('http://no-such-host.invalid')).toMatchObject({
      code: 'registry_unreachable',
      details: { reason: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) },
    });
  });

  it('is found behind an address that does not answer', async () => {
    await using client = openRegistry(registryOptions(['http://127.0.0.1:1', registry.url]));
    expect(await client.register({ subject: uniqueName('s'), schema: record([ID]) }, signal)).toBeGreaterThan(0);
  });
});
