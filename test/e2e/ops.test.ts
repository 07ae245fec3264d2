/** Health and metrics of the real program: streaming, as a standby, while a server is away, and a port that cannot be had. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../harness/ports.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { lsnNumber } from '../harness/truth.ts';
import { until } from '../harness/until.ts';

const WAIT = { timeoutMs: 20_000 };
const SECRET = 'geheim-9f3a';
const { bootstrapServers } = sharedKafka();

let db: FreshDatabase;
let name = '';
const running: Slotline[] = [];

beforeEach(async () => {
  name = uniqueName('ops');
  db = await freshDatabase(18);
  await db.client.query('create table item (id int primary key)');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((slotline) => slotline[Symbol.asyncDispose]()));
  await db.drop();
});

function config(overrides: ConnectorConfig = {}): ConnectorConfig {
  const { server, database } = db;
  const own = { 'slotline.http.port': '0', 'status.update.interval.ms': '200' };
  return connectorConfig({ server, database, bootstrapServers, name }, { ...own, ...overrides });
}

function start(overrides: ConnectorConfig = {}): Slotline {
  const slotline = startSlotline(config(overrides));
  running.push(slotline);
  return slotline;
}

async function ask(slotline: Slotline, path: string): Promise<{ status: number; text: string }> {
  const { port } = await slotline.waitFor('http.listening', WAIT);
  const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`);
  return { status: answer.status, text: await answer.text() };
}

type Health = { readonly status: string; readonly reasons: readonly Readonly<Record<string, string>>[] };

async function untilHealth(slotline: Slotline, fits: (health: Health) => boolean): Promise<Health & { readonly http: number }> {
  return await until(
    'the health is as expected',
    async () => {
      const { status: http, text } = await ask(slotline, '/health');
      const health: Health = JSON.parse(text);
      return fits(health) && { ...health, http };
    },
    WAIT,
  );
}

/** By name and labels but `connector`. */
async function metrics(slotline: Slotline): Promise<ReadonlyMap<string, number>> {
  const { text } = await ask(slotline, '/metrics');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, metric = '', value = ''] = /^(.*\}) (.*)$/.exec(line.replace(/connector="[^"]*",?/, '')) ?? [];
      return [metric.replace('{}', ''), Number(value)];
    }),
  );
}

describe('health and metrics', () => {
  test('tell of a connector that streams: events, acknowledged records, positions', async () => {
    await db.client.query('insert into item select generate_series(1, 3)');
    const slotline = start();
    await slotline.waitFor('stream.started', WAIT);
    await db.client.query('insert into item values (4)');
    await db.client.query('delete from item where id = 4');
    const found = await until(
      'all is acknowledged',
      async () => {
        const all = await metrics(slotline);
        return all.get('slotline_records_acknowledged_total') === 6 && all;
      },
      WAIT,
    );
    const expected = {
      'slotline_events_total{operation="read"}': 3,
      'slotline_events_total{operation="created"}': 1,
      'slotline_events_total{operation="deleted"}': 1,
      slotline_up: 1,
      slotline_streaming: 1,
      slotline_attempts_total: 1,
      slotline_producer_buffer_records: 0,
      slotline_registry_waiting: 0,
      slotline_kafka_waiting: 0,
    };
    expect(Object.fromEntries(Object.keys(expected).map((metric) => [metric, found.get(metric)]))).toEqual(expected);
    expect(found.get('slotline_last_message_age_seconds')).toBeLessThan(60);
    await until(
      'the confirmed position is the slot’s',
      async () => {
        const { rows } = await db.client.query<{ lsn: string }>(
          `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = '${name}'`,
        );
        const all = await metrics(slotline);
        return all.get('slotline_confirmed_lsn_bytes') === lsnNumber(String(rows[0]?.lsn));
      },
      WAIT,
    );
    expect(await untilHealth(slotline, ({ status }) => status === 'ok')).toEqual({ status: 'ok', reasons: [], http: 200 });
    expect((await slotline.stop()).exitCode).toBe(0);
  });

  test('say that a standby waits for the slot, and that it took over', async () => {
    const first = await startStreaming(config(), WAIT);
    running.push(first);
    const second = start();
    const waiting = await untilHealth(second, ({ status }) => status === 'waiting');
    expect(waiting).toMatchObject({ http: 200, reasons: [{ connector: name, waitingFor: 'slot', code: 'slot_in_use' }] });
    expect((await metrics(second)).get('slotline_slot_waiting')).toBe(1);
    await first.stop();
    await untilHealth(second, ({ status }) => status === 'ok');
    expect((await metrics(second)).get('slotline_slot_waiting')).toBe(0);
  });

  test('say that PostgreSQL or Kafka is waited for', async () => {
    const [port = 0] = await freePorts(1);
    const away = { postgres: { 'database.port': String(port) }, kafka: { 'bootstrap.servers': `127.0.0.1:${port}` } };
    for (const [server, overrides] of Object.entries(away)) {
      const slotline = start(overrides);
      const { reasons, http } = await untilHealth(slotline, ({ status }) => status === 'waiting');
      expect([server, http, reasons.map(({ waitingFor }) => waitingFor)]).toEqual([server, 200, [server]]);
      expect((await metrics(slotline)).get(`slotline_${server}_waiting`)).toBe(1);
    }
  });

  test('say that the registry is waited for, and with which error, but not its password; a stop does not wait for it', async () => {
    const [port = 0] = await freePorts(1);
    await db.client.query('insert into item values (1)');
    const slotline = start({
      'value.converter': 'io.confluent.connect.avro.AvroConverter',
      'value.converter.schema.registry.url': `http://anna:${SECRET}@127.0.0.1:${port}`,
      'value.converter.basic.auth.credentials.source': 'URL',
      'snapshot.mode': 'no_data',
    });
    await slotline.waitFor('stream.started', WAIT);
    await db.client.query('insert into item values (2)');
    const waiting = await untilHealth(slotline, ({ reasons }) => reasons.some(({ waitingFor }) => waitingFor === 'registry'));
    expect(waiting).toMatchObject({ http: 200, status: 'waiting', reasons: [{ code: 'registry_unreachable' }] });
    expect(waiting.reasons[0]?.['message']).toContain(`url=http://127.0.0.1:${port}/, reason=ECONNREFUSED`);
    const found = await metrics(slotline);
    expect(found.get('slotline_registry_waiting')).toBe(1);
    expect(found.get('slotline_registry_retries_total')).toBeGreaterThan(0);
    const everything = JSON.stringify([waiting, await ask(slotline, '/metrics'), slotline.lines]) + slotline.stderr();
    expect(everything).not.toContain(SECRET);
    const { exitCode, tookMs } = await slotline.stop();
    expect(exitCode).toBe(0);
    expect(tookMs).toBeLessThan(5_000);
  });

  test('are refused where the port is none or in use, with one clear error', async () => {
    const other = createServer();
    await new Promise<void>((settle) => other.listen(0, '127.0.0.1', settle));
    const { port } = other.address() as AddressInfo;
    const taken = start({ 'slotline.http.port': String(port) });
    expect(await taken.exited).toBe(1);
    expect(taken.stderr().trim().split('\n')).toEqual([
      `http_unavailable: The port for health and metrics cannot be opened: host=127.0.0.1, port=${port}, reason=EADDRINUSE`,
      expect.stringContaining('slotline.http.port'),
    ]);
    await new Promise((settle) => other.close(settle));
    const wrong = start({ 'slotline.http.port': '70000' });
    expect(await wrong.exited).toBe(2);
    expect(wrong.stderr()).toContain('slotline.http.port');
  });
});
