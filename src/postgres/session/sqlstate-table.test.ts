import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ERROR_TABLE } from '../../core/errors.ts';
import { serverError } from './errors.ts';
import { POSTGRES_STATES, stateEntry } from './sqlstate-table.ts';

test('every row can be reached: none comes after a wider one', () => {
  for (const row of POSTGRES_STATES) {
    const state = row.state.padEnd(5, '9');
    expect(stateEntry(state, row.named ?? '', row.subject ?? 'other')).toBe(row);
  }
});

test('a state that needs a person becomes an error that ends a start; one that heals becomes an error that is tried again', () => {
  for (const { state, healing, becomes } of POSTGRES_STATES) {
    const { retry } = ERROR_TABLE[becomes];
    expect(`${state} ${healing} ${retry === 'auto' ? 'tried again' : 'ends a start'}`).toBe(
      `${state} ${healing} ${healing === 'person' ? 'ends a start' : 'tried again'}`,
    );
  }
});

test.each([
  ['53100', 'could not extend file: No space left on device', 'other', 'pg_resources_exhausted'],
  ['53400', 'all replication slots are in use', 'slot', 'replication_slots_exhausted'],
  ['53400', 'temporary file size exceeds "temp_file_limit" (1024kB)', 'other', 'pg_resources_exhausted'],
  ['55000', 'can no longer access replication slot "s"', 'slot', 'slot_lost'],
  // A slot that is synchronised from a primary; a message in another language: the catalog says what it is.
  ['55000', 'cannot use replication slot "s" for logical decoding', 'slot', 'slot_not_ready'],
  ['55000', 'auf Replikations-Slot »s« kann nicht mehr zugegriffen werden', 'slot', 'slot_not_ready'],
  ['25006', 'cannot execute INSERT in a read-only transaction', 'other', 'pg_query_refused'],
  ['57P04', 'terminating connection because the database was dropped', 'other', 'pg_database_missing'],
  ['58030', 'could not read file: Input/output error', 'other', 'pg_storage_failed'],
  ['58P01', 'requested WAL segment 000000010000000000000001 has already been removed', 'slot', 'slot_lost'],
  ['XX001', 'invalid page in block 0 of relation base/5/16384', 'other', 'pg_storage_failed'],
  ['XX000', 'cache lookup failed for relation 16384', 'other', 'pg_query_failed'],
  ['P0001', 'no publications here', 'publication', 'pg_query_refused'],
  ['42601', 'syntax error at or near "selec"', 'other', 'pg_query_refused'],
  ['40001', 'canceling statement due to conflict with recovery', 'other', 'pg_query_failed'],
] as const)('%s %s (%s) is %s', (state, message, subject, code) => {
  expect(stateEntry(state, message, subject).becomes).toBe(code);
});

test('an unknown state is tried again, with the state in the error; a body that is cut anywhere crashes nothing', () => {
  const character = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  const known = new Set(POSTGRES_STATES.map(({ state }) => state.slice(0, 2)));
  const property = fc.property(fc.array(character, { minLength: 5, maxLength: 5 }), fc.string(), fc.nat(40), (characters, text, cut) => {
    const state = characters.join('');
    const message = text.replaceAll('\0', '');
    const body = Buffer.from(`SERROR\0C${state}\0M${message}\0\0`);
    const error = serverError(body, {});
    expect(error.retry).not.toBe('never');
    expect(error.details.sqlState).toBe(state);
    if (!known.has(state.slice(0, 2))) expect(error).toMatchObject({ code: 'pg_query_failed', retry: 'auto', details: { message } });
    expect(() => serverError(body.subarray(0, cut), { slot: 's' })).not.toThrow();
  });
  fc.assert(property, { numRuns: 500, examples: [[['0', '1', '0', '0', '0'], 'a warning', 3]] });
});
