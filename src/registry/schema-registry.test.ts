/** What the registry client does with a registry that misbehaves. The registry runs on loopback. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answer, type Reply, startMisbehavingRegistry } from '../../test/avro/misbehaving-registry.ts';
import { openRegistry, registryOptions } from '../../test/avro/registry-options.ts';
import { ERROR_TABLE, SlotlineError } from '../core/errors.ts';
import type { RegistryOptions } from '../core/options.ts';
import { registryEntry, retryAfterMs } from './errors.ts';
import { SchemaRegistry } from './schema-registry.ts';

const { signal } = new AbortController();
const WANTED = { subject: 'shop.orders-value', schema: '{"type":"record","name":"Value","fields":[]}' };
const SECRET = 'geheim';
/** What the remedy of each error must name. */
const REMEDIES: Readonly<Record<string, RegExp>> = {
  registry_unauthorized: /basic\.auth\.user\.info/,
  registry_bad_answer: /schema\.registry\.url/,
  registry_invalid_schema: /field\.name\.adjustment\.mode/,
  registry_unreachable: /schema\.registry\.url/,
  registry_incompatible: /compatibility level/,
  registry_refused: /read-only/,
};

async function failure(replies: readonly Reply[], changes: Partial<RegistryOptions> = {}): Promise<SlotlineError> {
  await using server = await startMisbehavingRegistry(replies);
  await using client = openRegistry(registryOptions([server.url], changes));
  const error = await client.register(WANTED, signal).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SlotlineError)) throw new Error('it did not fail as expected', { cause: error });
  return error;
}

describe('a registry that misbehaves', () => {
  it.each<[string, Reply, string, object]>([
    ['401', answer(401, { error_code: 401, message: 'Unauthorized' }), 'registry_unauthorized', { status: 401 }],
    ['403', answer(403, 'no'), 'registry_unauthorized', { status: 403 }],
    ['404 of another server', answer(404, '<html>'), 'registry_bad_answer', { status: 404, subject: WANTED.subject }],
    [
      '404 of a registry at another path',
      answer(404, { error_code: 404, message: 'HTTP 404 Not Found' }),
      'registry_bad_answer',
      { status: 404 },
    ],
    ['422', answer(422, { error_code: 42201, message: 'Invalid Avro schema' }), 'registry_invalid_schema', { status: 422 }],
    [
      'a subject that is read-only',
      answer(422, { error_code: 42205, message: 'Subject is in read-only mode' }),
      'registry_refused',
      { errorCode: 42205 },
    ],
    ['a schema that a proxy finds too large', answer(413, '<html>'), 'registry_refused', { status: 413 }],
    ['500', answer(500, { error_code: 50001, message: 'Error in the backend' }), 'registry_unreachable', { status: 500 }],
    ['503 of a proxy', answer(503, 'Service Unavailable'), 'registry_unreachable', { status: 503 }],
    ['429', answer(429, '{}'), 'registry_unreachable', { status: 429 }],
    ['a redirect', answer(302, ''), 'registry_bad_answer', { status: 302 }],
    ['garbage', answer(200, 'not json'), 'registry_bad_answer', { status: 200 }],
    ['an id that is none', answer(200, { id: 'seven' }), 'registry_bad_answer', { status: 200 }],
    ['an id of more than four bytes', answer(200, { id: 2 ** 33 }), 'registry_bad_answer', { status: 200 }],
    ['an answer without an id', answer(200, []), 'registry_bad_answer', { status: 200 }],
    ['an answer that breaks off', { tag: 'break off' }, 'registry_unreachable', { reason: 'ECONNRESET' }],
    ['an answer without an end', { tag: 'flood' }, 'registry_bad_answer', { reason: 'answer is too long' }],
    ['a connection closed at once', { tag: 'hang up' }, 'registry_unreachable', { reason: 'ECONNRESET' }],
  ])('gives one code for %s, and says where and what to do', async (_, reply, code, details) => {
    const error = await failure([reply]);
    expect(error).toMatchObject({ code, details });
    expect(error.message).toMatch(/url=http:\/\/127\.0\.0\.1:\d+\//);
    expect(error.message).not.toContain('\n');
    expect(error.remedy).toMatch(REMEDIES[code] ?? /^$/);
  });

  it('is unreachable when it does not answer in time', async () => {
    expect(await failure([{ tag: 'silence' }], { requestTimeoutMs: 50 })).toMatchObject({
      code: 'registry_unreachable',
      details: { reason: 'timeout' },
    });
  });

  it('names fields and version where it finds a schema incompatible', async () => {
    const latest = { id: 3, version: 7, schema: '{"type":"record","name":"Value","fields":[{"name":"a","type":"int"}]}' };
    const error = await failure([
      answer(409, { error_code: 409, message: 'incompatible' }),
      answer(404, { error_code: 40403 }),
      answer(200, latest),
      answer(200, { is_compatible: false }),
    ]);
    expect(error).toMatchObject({
      code: 'registry_incompatible',
      details: { subject: WANTED.subject, version: 7, fields: ['a removed'], message: 'incompatible' },
    });
  });

  it('is asked for the id when a conflict was with another request for the same schema', async () => {
    await using server = await startMisbehavingRegistry([answer(409, ''), answer(200, { id: 5, version: 1, schema: WANTED.schema })]);
    await using client = openRegistry(registryOptions([server.url]));
    expect(await client.register(WANTED, signal)).toBe(5);
  });

  it('is asked again where a conflict names no version that the schema does not fit', async () => {
    const notYet = [answer(409, ''), answer(404, { error_code: 40403 })];
    const other = answer(200, { id: 3, version: 1, schema: WANTED.schema });
    const replies = [
      ...notYet,
      answer(404, { error_code: 40401 }),
      ...notYet,
      other,
      answer(200, { is_compatible: true }),
      answer(200, { id: 5 }),
    ];
    await using server = await startMisbehavingRegistry(replies);
    await using client = openRegistry(registryOptions([server.url]));
    expect(await client.register(WANTED, signal)).toBe(5);
    expect(server.asked).toHaveLength(replies.length);
  });

  it('is asked again after a pause, and each pause is reported', async () => {
    await using server = await startMisbehavingRegistry([answer(503, ''), { tag: 'hang up' }, answer(200, { id: 5 })]);
    const retries: SlotlineError[] = [];
    await using client = openRegistry(registryOptions([server.url], { retryForMs: 60_000 }), retries);
    expect(await client.register(WANTED, signal)).toBe(5);
    expect(retries.map(({ details }) => details['status'] ?? details['reason'])).toEqual([503, 'ECONNRESET']);
  });

  it('is not asked before the time that it names in Retry-After, and a long pause is cut short', async () => {
    await using server = await startMisbehavingRegistry([
      { tag: 'answer', status: 429, body: '', retryAfter: '1' },
      answer(200, { id: 5 }),
    ]);
    const retries: SlotlineError[] = [];
    await using client = openRegistry(registryOptions([server.url], { retryForMs: 60_000 }), retries);
    const sinceMs = performance.now();
    expect(await client.register(WANTED, signal)).toBe(5);
    expect(performance.now() - sinceMs).toBeGreaterThan(990);
    expect(retries.map(({ details }) => details['retryAfterMs'])).toEqual([1_000]);
    expect(['9', 'Thu, 01 Jan 1970 00:00:07 GMT', '86400', 'soon', undefined, '-3'].map((header) => retryAfterMs(header, 5_000))).toEqual([
      9_000,
      2_000,
      30_000,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('with a status or error_code that nobody knows ends a start or is asked again, and is never taken for an answer', async () => {
    const property = fc.property(
      fc.integer({ min: 100, max: 999 }),
      fc.option(fc.integer({ min: 0, max: 99_999 })),
      (status, errorCode) => {
        const entry = registryEntry(status, errorCode ?? undefined);
        if (entry.becomes === 'answer') expect(`${status} ${errorCode}`).toMatch(/^(200 |404 4040[12346]$)/);
        else expect(`${status} ${entry.healing} ${ERROR_TABLE[entry.becomes].retry}`).toMatch(/ (alone auto|person manual|person never)$/);
      },
    );
    fc.assert(property, { numRuns: 3_000 });
    for (const status of [206, 299, 418, 451, 599]) {
      const error = await failure([answer(status, { id: 5 })]);
      expect([error.code, error.details['status']]).toEqual([status === 599 ? 'registry_unreachable' : 'registry_bad_answer', status]);
    }
  });

  it('shows each question as waiting until it is answered; one that was given up, until any other is answered', async () => {
    const replies = [answer(503, ''), answer(200, { id: 5 }), answer(503, ''), answer(401, ''), answer(404, { error_code: 40401 })];
    await using server = await startMisbehavingRegistry(replies);
    const waiting = new Set<object>();
    const told: number[] = [];
    await using client = new SchemaRegistry(registryOptions([server.url], { retryForMs: 60_000 }), {
      random: () => 0,
      onRetry: (_error, _attempt, question) => told.push(waiting.add(question).size),
      onAnswered: (question) => void waiting.delete(question),
    });
    await client.register(WANTED, signal);
    expect([told, waiting.size]).toEqual([[1], 0]);
    await expect(client.latest('other', signal)).rejects.toMatchObject({ code: 'registry_unauthorized' });
    expect([told, waiting.size]).toEqual([[1, 1], 1]);
    await client.latest('other', signal);
    expect(waiting.size).toBe(0);
  });

  it('is not asked again for what it has answered, and not waited for once the signal aborts', async () => {
    await using server = await startMisbehavingRegistry([answer(200, { id: 5 }), { tag: 'silence' }]);
    await using client = openRegistry(registryOptions([server.url], { retryForMs: 60_000 }));
    await client.register(WANTED, signal);
    await client.register(WANTED, signal);
    expect(server.asked).toHaveLength(1);
    const stop = new AbortController();
    const asking = client.register({ ...WANTED, subject: 'other' }, stop.signal);
    stop.abort();
    await expect(asking).rejects.toMatchObject({ code: 'registry_unreachable' });
  });

  it('is not trusted after an outage before it shows that it knows what it had registered', async () => {
    const known = answer(200, { id: 5, version: 1, schema: WANTED.schema });
    const other = { ...WANTED, subject: 'shop.orders-key' };
    const missing = answer(404, { error_code: 40403, message: 'Schema not found' });
    const afterOutage = async (...replies: readonly Reply[]): Promise<unknown> => {
      await using server = await startMisbehavingRegistry([answer(200, { id: 5 }), answer(503, ''), answer(200, { id: 6 }), ...replies]);
      await using client = openRegistry(registryOptions([server.url], { retryForMs: 60_000 }));
      await client.register(WANTED, signal);
      return await client.register(other, signal).catch((error: unknown) => error);
    };
    expect(await afterOutage(known)).toBe(6);
    const lost = { code: 'registry_data_lost', details: { subject: WANTED.subject, id: 5 } };
    expect(await afterOutage(missing, missing)).toMatchObject(lost);
    expect(await afterOutage(missing, answer(200, { schema: '"string"' }))).toMatchObject(lost);
    expect(await afterOutage(answer(200, { id: 7 }), answer(200, { schema: '"string"' }))).toMatchObject(lost);
    // We may register but not read.
    expect(await afterOutage(answer(403, ''))).toBe(6);
    // Found by its id, though not by its text.
    expect(await afterOutage(missing, answer(200, { schema: WANTED.schema.replace('{', '{ ') }))).toBe(6);
  });

  it('is waited for no longer than configured, pauses and silence together', async () => {
    await using server = await startMisbehavingRegistry([{ tag: 'silence' }]);
    const retries: SlotlineError[] = [];
    await using client = openRegistry(registryOptions([server.url], { retryForMs: 300, requestTimeoutMs: 150 }), retries);
    await expect(client.register(WANTED, signal)).rejects.toMatchObject({ code: 'registry_unreachable', details: { reason: 'timeout' } });
    expect(retries).toHaveLength(1);
    expect(server.asked).toHaveLength(2);
  });

  it('is left for the next address, which is then asked first', async () => {
    await using broken = await startMisbehavingRegistry([answer(500, '')]);
    await using server = await startMisbehavingRegistry([answer(200, { id: 5 }), answer(200, { id: 6 })]);
    await using client = openRegistry(registryOptions([broken.url, server.url]));
    expect(await client.register(WANTED, signal)).toBe(5);
    expect(await client.register({ ...WANTED, subject: 'other' }, signal)).toBe(6);
    expect([broken.asked.length, server.asked.length]).toEqual([1, 2]);
  });

  it('gets the credentials, and no error shows them', async () => {
    await using server = await startMisbehavingRegistry([answer(401, '')]);
    const withUser = server.url.replace('//', `//anna:${SECRET}@`);
    const basic = `Basic ${Buffer.from(`anna:${SECRET}`).toString('base64')}`;
    const cases: [RegistryOptions, string][] = [
      [registryOptions([withUser]), basic],
      [registryOptions([server.url], { basicAuth: `anna:${SECRET}` }), basic],
      [registryOptions([server.url], { bearerToken: SECRET }), `Bearer ${SECRET}`],
    ];
    for (const [options, header] of cases) {
      await using client = openRegistry(options);
      const error = await client.lookup(WANTED, signal).catch((reason: unknown) => reason);
      expect(server.asked.at(-1)?.headers.authorization).toBe(header);
      expect(JSON.stringify([String(error), error])).not.toContain(SECRET);
    }
  });

  it('is asked for the normal form of schemas only where that is wanted', async () => {
    await using server = await startMisbehavingRegistry([answer(200, { id: 5 })]);
    for (const normalizeSchemas of [false, true]) {
      await using client = openRegistry(registryOptions([`${server.url}/api/`], { normalizeSchemas }));
      await client.register(WANTED, signal);
    }
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/subjects/shop.orders-value/versions',
      'POST /api/subjects/shop.orders-value/versions?normalize=true',
    ]);
  });
});
