/**
 * Owns a program that reads one slot through the product's session and wire reader up to an LSN, counts the frames and drops
 * them. Its rate is the limit for any reader in this language. It gets its task as JSON on standard input.
 */
import { text } from 'node:stream/consumers';
import { uint32At } from '../src/core/byte-reader.ts';
import type { DatabaseOptions } from '../src/core/options.ts';
import { openSession } from '../src/postgres/session/open-session.ts';
import { queryMessage, WireReader } from '../src/postgres/stream/wire-reader.ts';

export type FramesTask = {
  readonly database: DatabaseOptions;
  readonly slot: string;
  readonly publication: string;
  /** The WAL position at which the last change has been sent, as `16/B374D848`. */
  readonly endLsn: string;
};
export type FramesResult = { readonly frames: number; readonly rows: number; readonly elapsedMs: number; readonly cpuUs: number };

const COPY_DATA = 0x64;
const COPY_BOTH = 0x57;
const ERROR_RESPONSE = 0x45;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
const ROW_TAGS = new Set([0x49, 0x55, 0x44]); // I U D
const STATUS_INTERVAL_MS = 1_000;

async function readFrames(task: FramesTask): Promise<FramesResult> {
  const session = await openSession(task.database, { replication: true, applicationName: 'bench frames' });
  const [high = 0, low = 0] = task.endLsn.split('/').map((word) => Number.parseInt(word, 16));
  const seen = { frames: 0, rows: 0, high: 0, low: 0 };
  const started = { ms: 0, cpu: process.cpuUsage() };
  const finished = Promise.withResolvers<void>();
  const reader = new WireReader(
    {
      onMessage(tag, bytes, start) {
        if (tag === COPY_DATA) {
          const kind = bytes[start];
          if (kind === XLOG_DATA) {
            seen.frames += 1;
            if (ROW_TAGS.has(bytes[start + 25] ?? 0)) seen.rows += 1;
          }
          if (kind === XLOG_DATA || kind === KEEPALIVE) {
            seen.high = uint32At(bytes, start + 1);
            seen.low = uint32At(bytes, start + 5);
          }
          if (seen.high > high || (seen.high === high && seen.low >= low)) finished.resolve();
        } else if (tag === COPY_BOTH) {
          started.ms = performance.now();
          started.cpu = process.cpuUsage();
        } else if (tag === ERROR_RESPONSE) {
          throw new Error('The server refused the stream');
        }
        return undefined;
      },
      onDrained: () => undefined,
      onError: finished.reject,
    },
    () => session.resumeReading(),
  );
  session.takeOver({
    room: () => reader.room(),
    received: (count) => reader.received(count),
    onClosed: () => finished.reject(new Error('The server closed the stream')),
  });
  const options = `"proto_version" '1', "publication_names" '"${task.publication}"'`;
  session.write(queryMessage(`START_REPLICATION SLOT "${task.slot}" LOGICAL 0/0 (${options})`));
  // Tells the server what was received, but nothing as flushed: the connection stays open and the slot does not move.
  const timer = setInterval(() => session.write(statusUpdate(seen)), STATUS_INTERVAL_MS);
  await finished.promise;
  clearInterval(timer);
  const { user, system } = process.cpuUsage(started.cpu);
  const result = { frames: seen.frames, rows: seen.rows, elapsedMs: performance.now() - started.ms, cpuUs: user + system };
  reader.stop();
  session.destroy();
  return result;
}

/** 'r' Int64 received, Int64 flushed, Int64 applied, Int64 time, Byte1 no reply wanted. */
function statusUpdate(received: { readonly high: number; readonly low: number }): Buffer {
  const message = Buffer.alloc(39);
  message[0] = COPY_DATA;
  message.writeInt32BE(38, 1);
  message[5] = 0x72;
  message.writeUInt32BE(received.high, 6);
  message.writeUInt32BE(received.low, 10);
  return message;
}

const task: FramesTask = JSON.parse(await text(process.stdin));
process.stdout.write(`${JSON.stringify(await readFrames(task))}\n`);
