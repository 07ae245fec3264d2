/**
 * Owns the framing of Produce requests and replies on a socket that is connected and logged in. Does not own the socket's life (client.ts) or
 * the bodies (produce-request.ts).
 *
 * The library's framing copies a request into one new buffer. Here the bytes of the batches go to the socket as they are. They must not
 * change until the reply has come or the socket is destroyed; their owner ensures that (record-batch.ts).
 *
 *   Request => length INT32, api_key INT16, api_version INT16, correlation_id INT32, client_id NULLABLE_STRING, TAGS, body
 *   Reply   => length INT32, correlation_id INT32, TAGS, body
 */
import type { Socket } from 'node:net';
import { byteAt, int32At } from '../../core/byte-reader.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { SlotlineError } from '../../core/errors.ts';

const API_KEY = 0;
/** A flexible version, whose replies have no leader hints. Every broker from 2.8 to 4.x supports it. */
const API_VERSION = 9;
/** The bytes of correlation_id and an empty tag section. */
const REPLY_HEADER_BYTES = 5;
/** A reply has about 40 bytes per partition. A greater length means that the other side speaks another protocol. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
const CORRELATION_MAX = 0x7fff_ffff;

type Awaited = { readonly correlationId: number; readonly onReply: (body: Uint8Array) => void };

export class ProduceChannel {
  readonly #socket: Socket;
  readonly #clientId: string;
  /** In the order of sending, which is the order in which a broker answers. */
  readonly #awaited: Awaited[] = [];
  #correlationId = 0;
  #received: Buffer | undefined;

  /** From here on the channel reads the socket. */
  constructor(socket: Socket, clientId: string) {
    this.#socket = socket;
    this.#clientId = clientId;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  /** Calls `onReply` with the reply's body, or never if the socket ends first. Without `onReply` no reply is expected (acks=0). */
  send(body: readonly Uint8Array[], onReply: ((body: Uint8Array) => void) | undefined): void {
    this.#correlationId = this.#correlationId === CORRELATION_MAX ? 0 : this.#correlationId + 1;
    if (onReply !== undefined) this.#awaited.push({ correlationId: this.#correlationId, onReply });
    const socket = this.#socket;
    socket.cork();
    socket.write(this.#header(body));
    for (const piece of body) socket.write(piece);
    socket.uncork();
  }

  #header(body: readonly Uint8Array[]): Uint8Array {
    const writer = new ByteWriter(64);
    writer.int32(0);
    writer.int16(API_KEY);
    writer.int16(API_VERSION);
    writer.int32(this.#correlationId);
    writer.int16(Buffer.byteLength(this.#clientId));
    writer.text(this.#clientId);
    writer.byte(0);
    const header = writer.toOwned();
    const bodyBytes = body.reduce((sum, piece) => sum + piece.length, 0);
    header.writeInt32BE(header.length - 4 + bodyBytes, 0);
    return header;
  }

  #onData(chunk: Buffer): void {
    let bytes = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk]);
    while (bytes.length >= 4) {
      const length = int32At(bytes, 0);
      if (length < REPLY_HEADER_BYTES || length > REPLY_BYTES_MAX) {
        this.#refuse('its length is impossible');
        return;
      }
      if (bytes.length < 4 + length) break;
      if (!this.#onReply(bytes.subarray(4, 4 + length))) return;
      bytes = bytes.subarray(4 + length);
    }
    this.#received = bytes.length === 0 ? undefined : bytes;
  }

  /** Returns false if the reply is not the expected one. The connection is then given up. */
  #onReply(reply: Buffer): boolean {
    const awaited = this.#awaited.shift();
    if (awaited === undefined || awaited.correlationId !== int32At(reply, 0)) {
      this.#refuse('it answers no request');
      return false;
    }
    // No tags are defined for this header. If there are some, their length is unknown, so the reply is not read.
    if (byteAt(reply, 4) !== 0) {
      this.#refuse('its header has unknown tags');
      return false;
    }
    awaited.onReply(reply.subarray(REPLY_HEADER_BYTES));
    return true;
  }

  #refuse(reason: string): void {
    this.#socket.destroy(new SlotlineError('kafka_reply_incomplete', { reason }));
  }
}
