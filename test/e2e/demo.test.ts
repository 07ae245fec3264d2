import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { freePorts, portIsFree } from '../harness/ports.ts';
import { trackProcess } from '../harness/process.ts';
import { until } from '../harness/until.ts';

const PROJECT_DIR = join(import.meta.dirname, '..', '..');

type Demo = { readonly output: () => string; readonly exited: Promise<number | null>; readonly kill: (signal: NodeJS.Signals) => void };

function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}): Demo {
  const child = spawn(process.execPath, [join(PROJECT_DIR, 'scripts', 'demo.ts'), ...args], {
    cwd: PROJECT_DIR,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) trackProcess(child, child.pid);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const exited = new Promise<number | null>((settle) => child.once('close', settle));
  return { output: () => stripVTControlCharacters(text), exited, kill: (signal) => child.kill(signal) };
}

async function expectNothingLeft(ports: readonly number[]): Promise<void> {
  const allFree = async (): Promise<boolean> => (await Promise.all(ports.map(portIsFree))).every(Boolean);
  await until('the ports of the demo are free again', allFree, { timeoutMs: 10_000 });
}

test('the demo shows inserts, updates, deletes and tombstones of its tables, agrees with them, and leaves no server behind', async () => {
  const ports = await freePorts(2);
  const demo = startDemo(['--seconds', '5', '--ports', ports.join(',')]);
  expect(await demo.exited, demo.output()).toBe(0);
  const lines = demo.output().split('\n');
  for (const table of ['customers', 'products', 'orders', 'order_items']) {
    expect(lines.some((line) => line.includes(` shop.public.${table} `))).toBe(true);
  }
  for (const sign of ['READ', 'CREATE', 'UPDATE', 'DELETE', 'TOMBST']) expect(lines.some((line) => line.startsWith(sign))).toBe(true);
  expect(demo.output()).toMatch(/slot lag [\d.]+ k?B/);
  expect(demo.output()).toContain('the topics agree with the tables');
  await expectNothingLeft(ports);
}, 120_000);

test('Ctrl-C ends the demo in good order', async () => {
  const ports = await freePorts(2);
  const demo = startDemo(['--ports', ports.join(',')]);
  await until('the first change is shown', async () => demo.output().includes('\nCREATE'), { timeoutMs: 90_000 });
  demo.kill('SIGINT');
  expect(await demo.exited, demo.output()).toBe(0);
  expect(demo.output()).toContain('Slotline ended with exit code 0');
  await expectNothingLeft(ports);
}, 120_000);

test.each([
  { name: 'an unknown flag', args: ['--secs', '3'], env: {}, says: /Unknown option '--secs'/ },
  { name: 'a wrong number', args: ['--seconds', 'x'], env: {}, says: /--seconds takes a number/ },
  { name: 'a missing Java', args: [], env: { JAVA_HOME: '/nonexistent' }, says: /Java 17 or later is needed/ },
])('$name is one clear line', async ({ args, env, says }) => {
  const ports = await freePorts(2);
  const demo = startDemo([...args, '--ports', ports.join(',')], env);
  expect(await demo.exited).toBe(1);
  expect(demo.output().trim()).toMatch(says);
  expect(demo.output().trim().split('\n')).toHaveLength(1);
});

test('a port in use is one clear line that says how to choose another', async () => {
  const [postgresPort = 0, kafkaPort = 0] = await freePorts(2);
  const taken = createServer().listen(kafkaPort, '127.0.0.1');
  const demo = startDemo(['--ports', `${postgresPort},${kafkaPort}`]);
  expect(await demo.exited).toBe(1);
  taken.close();
  const line = `[demo] Port ${kafkaPort}, wanted for Kafka, is in use: choose others, for example npm run demo -- --ports ${postgresPort},${kafkaPort + 1}`;
  expect(demo.output().trim()).toBe(line);
});
