import { protocolErrors, ResponseError } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { ERROR_TABLE } from '../core/errors.ts';
import './client.ts';
import { FOREIGN_KAFKA_ERRORS, KAFKA_ERRORS } from './error-table.ts';
import { isRetriableCode, kafkaAnswerError, kafkaCodeError, kafkaErrorEntry } from './protocol-errors.ts';

test('every code from -1 to 133 stands in one of the two tables, once, with the name that the library knows too', () => {
  const named = [...KAFKA_ERRORS.map(({ code, name }) => [code, name] as const), ...FOREIGN_KAFKA_ERRORS];
  expect(named.map(([code]) => code).sort((a, b) => a - b)).toEqual(Array.from({ length: 135 }, (_, index) => index - 1));
  const names = new Map(named);
  for (const { code, id } of Object.values(protocolErrors)) expect(`${code} ${names.get(code)}`).toBe(`${code} ${id}`);
});

test('a code that needs a person becomes an error that ends a start; one that heals does not, and its question is asked again', () => {
  for (const { code, name, healing, becomes, batch } of KAFKA_ERRORS) {
    if (healing === 'person') expect(`${name} ${ERROR_TABLE[becomes].retry} ${batch}`).toMatch(/ (manual|never) end$/);
    else expect(kafkaAnswerError(code, {}).retry).toBe('auto');
    expect(isRetriableCode(code)).toBe(healing !== 'person' && code !== 0);
  }
});

test('an unknown code is repeated within bounds, and keeps its number in the error', () => {
  const seed = Date.now() % 1_000_000;
  console.log(`[error codes] seed ${seed}`);
  const known = new Set(KAFKA_ERRORS.map(({ code }) => code));
  let state = seed;
  for (let i = 0; i < 2_000; i++) {
    state = (state * 1_103_515_245 + 12_345) % 0x8000_0000;
    // error_code is an INT16.
    const code = (state % 0x1_0000) - 0x8000;
    if (known.has(code)) continue;
    expect(kafkaErrorEntry(code)).toMatchObject({ code, healing: 'again', batch: 'again', becomes: 'kafka_request_failed' });
    for (const error of [kafkaCodeError(code, {}), kafkaAnswerError(code, {})]) {
      expect(error).toMatchObject({ code: 'kafka_request_failed', retry: 'auto' });
      expect(error.message).toContain(FOREIGN_KAFKA_ERRORS.get(code) ?? `code ${code}`);
    }
  }
});

test('a reply with a code that the library does not know is still a reply', () => {
  const response = { topics: [] };
  expect(new ResponseError(3, 12, { '/topics/0': [4242, null] }, response)).toMatchObject({ code: 'PLT_KFK_RESPONSE', response });
});
