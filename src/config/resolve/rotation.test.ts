/** Secrets in files that change while a connector runs; test/faults/rotated-password.test.ts has it with a server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemEnvironment } from '../environment.ts';
import { loadConfig } from '../load.ts';
import { type SecretReader, secretReader } from './rotation.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rotation-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function readerOf(config: Readonly<Record<string, string>>): SecretReader {
  const base = {
    name: 'a',
    'topic.prefix': 'a',
    'bootstrap.servers': 'k:9092',
    'database.hostname': 'h',
    'database.user': 'u',
    'database.dbname': 'd',
  };
  const result = loadConfig(write('a.json', JSON.stringify({ ...base, ...config })), systemEnvironment({}));
  if (result.tag !== 'resolved') throw new Error(JSON.stringify(result.problems));
  return secretReader(result.options, result.again);
}

it('reads the login of PostgreSQL again at each connection, other secrets at each attempt, and nothing else', () => {
  const password = write('password', 'old\n');
  const kafka = write('kafka', 'old');
  const slot = write('slot', 'first');
  const read = readerOf({
    'database.password': `\${file:${password}}`,
    'slot.name': `\${file:${slot}}`,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
    'sasl.username': 'u',
    'sasl.password': `\${file:${kafka}}`,
  });
  const attempt = read();
  expect([attempt.database.password, attempt.kafka.sasl?.password, attempt.slot.name]).toEqual(['old', 'old', 'first']);
  write('password', 'new');
  write('kafka', 'new');
  write('slot', 'second');
  expect([attempt.database.password, attempt.kafka.sasl?.password]).toEqual(['new', 'old']);
  expect([read().kafka.sasl?.password, read().slot.name]).toEqual(['new', 'first']);
});

it('keeps the secrets of before while a file is not there', () => {
  const read = readerOf({ 'database.password': `\${file:${write('password', 'old')}}` });
  const { database } = read();
  rmSync(join(folder, 'password'));
  expect(database.password).toBe('old');
  write('password', 'new');
  expect(database.password).toBe('new');
});

it('reads nothing again where no placeholder names a file', () => {
  const read = readerOf({ 'database.password': 'fixed' });
  expect(read()).toBe(read());
});
