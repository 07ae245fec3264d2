/** Owns an HTTP server on loopback that answers as a test tells it: what a real registry does only on a bad day. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Reply =
  | { readonly tag: 'answer'; readonly status: number; readonly body: string; readonly retryAfter?: string }
  /** Closes the connection without a word. */
  | { readonly tag: 'hang up' }
  /** A part of an answer, and then the connection is closed. */
  | { readonly tag: 'break off' }
  /** More and more bytes. */
  | { readonly tag: 'flood' }
  /** Never answers. */
  | { readonly tag: 'silence' };

type Asked = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders };

type MisbehavingRegistry = AsyncDisposable & {
  readonly url: string;
  readonly asked: readonly Asked[];
};

/** The last reply is given for every further request. */
export async function startMisbehavingRegistry(replies: readonly Reply[]): Promise<MisbehavingRegistry> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const reply = replies[Math.min(asked.length, replies.length - 1)] ?? { tag: 'hang up' };
    asked.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    request.resume();
    if (reply.tag === 'hang up') request.socket.destroy();
    if (reply.tag === 'break off') response.writeHead(200, { 'content-length': 100 }).write('{"id":', () => request.socket.destroy());
    if (reply.tag === 'flood') flood(response);
    if (reply.tag === 'answer') {
      if (reply.retryAfter !== undefined) response.setHeader('retry-after', reply.retryAfter);
      response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body);
    }
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((settle) => server.close(settle));
    },
  };
}

function flood(response: ServerResponse): void {
  const chunk = Buffer.alloc(1 << 20, 0x20);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.writeHead(200).on('drain', more);
  more();
}

export function answer(status: number, body: unknown): Reply {
  return { tag: 'answer', status, body: typeof body === 'string' ? body : JSON.stringify(body) };
}
