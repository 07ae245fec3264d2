import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/harness/until.ts';
import { ProduceChannel } from './produce-channel.ts';

let socket: Socket;
let peer: Socket;
let close: () => void;
const errors: unknown[] = [];

beforeEach(async () => {
  const server = createServer();
  const listening = once(server.listen(0, '127.0.0.1'), 'listening');
  await listening;
  const accepted = once(server, 'connection');
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  errors.length = 0;
  socket.on('error', (error) => {
    errors.push(error);
  });
  [peer] = (await accepted) as [Socket];
  peer.setNoDelay(true);
  close = () => {
    socket.destroy();
    peer.destroy();
    server.close();
  };
});

afterEach(() => close());

function reply(correlationId: number, body: string): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(9), Buffer.from(body)]);
  bytes.writeInt32BE(bytes.length - 4, 0);
  bytes.writeInt32BE(correlationId, 4);
  return bytes;
}

test('a request is framed as Kafka wants it', async () => {
  const received: Buffer[] = [];
  peer.on('data', (chunk) => received.push(chunk));
  new ProduceChannel(socket, 'me').send([Buffer.from('ab'), Buffer.from('c')], () => undefined);
  const expected = Buffer.from([0, 0, 0, 16, 0, 0, 0, 9, 0, 0, 0, 1, 0, 2, 0x6d, 0x65, 0, 0x61, 0x62, 0x63]);
  await until('it is received', async () => Buffer.concat(received).length >= expected.length, { timeoutMs: 5_000 });
  expect(Buffer.concat(received).equals(expected)).toBe(true);
});

test('replies are separated wherever the stream is cut', async () => {
  const bytes = Buffer.concat([reply(1, 'first'), reply(2, ''), reply(3, 'third')]);
  const channel = new ProduceChannel(socket, 'me');
  const bodies: string[] = [];
  for (let i = 0; i < 3; i++) channel.send([], (body) => bodies.push(Buffer.from(body).toString()));
  for (const byte of bytes) {
    peer.write(Buffer.of(byte));
    // So that each byte is a segment of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('all are told', async () => bodies.length === 3, { timeoutMs: 5_000 });
  expect(bodies).toEqual(['first', '', 'third']);
  expect(errors).toEqual([]);
});

describe('a reply that cannot be right ends the connection', () => {
  test.each([
    ['out of turn', reply(2, 'x')],
    ['of impossible length', Buffer.from([0x7f, 0, 0, 0, 0])],
    ['too short', Buffer.from([0, 0, 0, 4, 0, 0, 0, 1])],
  ])('%s', async (_what, bytes) => {
    const channel = new ProduceChannel(socket, 'me');
    let answered = false;
    channel.send([], () => {
      answered = true;
    });
    peer.write(bytes);
    await until('the socket is closed', async () => socket.destroyed && errors.length > 0, { timeoutMs: 5_000 });
    expect(errors).toMatchObject([{ code: 'kafka_reply_incomplete' }]);
    expect(answered).toBe(false);
  });
});
