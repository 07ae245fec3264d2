/**
 * Owns a TCP proxy that stands between the program and a server and does what networks do: hold bytes back in one direction, go silent
 * without closing (half-open), reset, refuse. Knows nothing of what the bytes mean but the text of the first client packet.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** up: from the program to the server. */
type Direction = 'up' | 'down';

export type ProxyConnection = {
  /** The first bytes of the client, as text: a PostgreSQL startup packet names user, database and application. */
  readonly startup: string;
  /** Bytes of this direction are kept, also the end of the connection; the other side learns nothing. */
  hold(direction: Direction): void;
  /** What is kept now. */
  held(direction: Direction): Buffer;
  /** Lets the first bytes of what is kept pass, and keeps the rest. */
  forward(direction: Direction, byteCount: number): void;
  /** Lets everything kept pass, and from now on everything. */
  release(direction: Direction): void;
  /** Resets both sides. */
  cut(): void;
  isClosed(): boolean;
};

export type TcpProxy = {
  readonly host: string;
  readonly port: number;
  /** Connections that are open, oldest first. */
  connections(): readonly ProxyConnection[];
  /** The newest open one whose startup packet holds the text. */
  find(startupText: string): ProxyConnection | undefined;
  /** The next connection whose startup packet holds the text passes so many bytes in the direction, then holds. */
  limitNext(startupText: string, direction: Direction, byteCount: number): void;
  /** New connections are accepted and reset. */
  refuse(refusing: boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
};

const HOST = '127.0.0.1';
/** An SSL request and the startup packet. */
const STARTUP_BYTES_MAX = 300;

export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  let refusing = false;
  const open = new Set<ProxiedConnection>();
  let limits: Limit[] = [];
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
    const connection = new ProxiedConnection(client, upstream, {
      onStartup: (text) => {
        for (const limit of limits.filter((each) => text.includes(each.startupText))) {
          limits = limits.filter((each) => each !== limit);
          connection.limit(limit.direction, limit.byteCount);
        }
      },
      onClosed: () => open.delete(connection),
    });
    open.add(connection);
  });
  await new Promise<void>((settle, fail) => {
    server.once('error', fail);
    server.listen({ host: HOST, port: 0 }, settle);
  });
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    host: HOST,
    port,
    connections: () => [...open],
    find: (text) => [...open].findLast(({ startup }) => startup.includes(text)),
    limitNext(startupText, direction, byteCount) {
      limits.push({ startupText, direction, byteCount });
    },
    refuse(value) {
      refusing = value;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of open) connection.cut();
      await new Promise((settle) => server.close(settle));
    },
  };
}

type Limit = { readonly startupText: string; readonly direction: Direction; readonly byteCount: number };

class ProxiedConnection implements ProxyConnection {
  startup = '';
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #up: Pipe;
  readonly #down: Pipe;

  constructor(client: Socket, server: Socket, hooks: { readonly onStartup: (text: string) => void; readonly onClosed: () => void }) {
    this.#client = client;
    this.#server = server;
    this.#up = new Pipe(client, server);
    this.#down = new Pipe(server, client);
    client.on('data', (chunk: Buffer) => {
      if (this.startup.length >= STARTUP_BYTES_MAX) return;
      this.startup += chunk.toString('latin1');
      hooks.onStartup(this.startup);
    });
    const closeIfBothDid = (): void => {
      if (this.isClosed()) hooks.onClosed();
    };
    client.on('close', closeIfBothDid);
    server.on('close', closeIfBothDid);
  }

  hold(direction: Direction): void {
    this.#pipe(direction).room = 0;
  }

  limit(direction: Direction, byteCount: number): void {
    this.#pipe(direction).room = byteCount;
  }

  held(direction: Direction): Buffer {
    return this.#pipe(direction).kept();
  }

  forward(direction: Direction, byteCount: number): void {
    this.#pipe(direction).forward(byteCount);
  }

  release(direction: Direction): void {
    this.#pipe(direction).release();
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  isClosed(): boolean {
    return this.#client.destroyed && this.#server.destroyed;
  }

  #pipe(direction: Direction): Pipe {
    return direction === 'up' ? this.#up : this.#down;
  }
}

/** One direction. Without a hold an end or a reset passes as it comes. */
class Pipe {
  /** Bytes that may still pass; then they are kept. */
  room = Number.POSITIVE_INFINITY;
  readonly #to: Socket;
  #kept: Buffer[] = [];
  #ending: 'no' | 'end' | 'reset' = 'no';

  constructor(from: Socket, to: Socket) {
    this.#to = to;
    from.on('data', (chunk: Buffer) => {
      const passing = chunk.subarray(0, this.room);
      this.room -= passing.length;
      if (passing.length < chunk.length) this.#kept.push(chunk.subarray(passing.length));
      if (passing.length > 0 && !to.write(passing)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('end', () => this.#onEnding('end'));
    from.on('error', () => this.#onEnding('reset'));
    from.on('close', () => this.#onEnding('end'));
  }

  kept(): Buffer {
    return Buffer.concat(this.#kept);
  }

  forward(byteCount: number): void {
    const all = this.kept();
    this.#to.write(all.subarray(0, byteCount));
    this.#kept = [all.subarray(byteCount)];
  }

  release(): void {
    this.room = Number.POSITIVE_INFINITY;
    this.forward(this.kept().length);
    this.#kept = [];
    if (this.#ending !== 'no') this.#pass(this.#ending);
  }

  #onEnding(ending: 'end' | 'reset'): void {
    if (this.#ending === 'no') this.#ending = ending;
    if (this.#kept.length === 0 && this.room > 0) this.#pass(this.#ending);
  }

  #pass(ending: 'no' | 'end' | 'reset'): void {
    if (ending === 'reset') this.#to.resetAndDestroy();
    else if (!this.#to.writableEnded) this.#to.end();
  }
}
