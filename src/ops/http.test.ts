/** The server for health and metrics, over real sockets. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { LogFields } from '../core/log.ts';
import { SILENT_LOG } from '../core/log.ts';
import { TASK_ID } from '../core/options.ts';
import { SYSTEM_CLOCK } from '../core/time.ts';
import { LiveState } from '../pipeline/life/live-state.ts';
import { openHttp } from './http.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

async function opened(connectors: readonly { readonly name: string; readonly http: typeof LOOPBACK | undefined }[]) {
  const listening: LogFields[] = [];
  const log = { ...SILENT_LOG, info: (_: string, fields: LogFields = {}) => void listening.push(fields) };
  const observed = connectors.map(({ name, http }) => ({ live: new LiveState({ name, taskId: TASK_ID }), http }));
  const server = await openHttp(observed, { log, clock: SYSTEM_CLOCK });
  const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${String(listening[0]?.['port'])}${path}`, init);
  return { listening, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe('the HTTP server', () => {
  it('is shared by connectors with the same address, and is not there for those without', async () => {
    await using none = await opened([{ name: 'shop', http: undefined }]);
    expect(none.listening).toEqual([]);
    await using server = await opened([
      { name: 'shop', http: LOOPBACK },
      { name: 'stock', http: LOOPBACK },
      { name: 'silent', http: undefined },
    ]);
    expect(server.listening).toHaveLength(1);
    const text = await (await server.ask('/metrics')).text();
    expect(text.match(/^slotline_up.*$/gm)).toEqual(['slotline_up{connector="shop"} 1', 'slotline_up{connector="stock"} 1']);
  });

  it('answers no other path or method, changes nothing, and lets nobody cache its answers', async () => {
    await using server = await opened([{ name: 'shop', http: LOOPBACK }]);
    expect((await server.ask('/')).status).toBe(404);
    expect((await server.ask('/metrics/x')).status).toBe(404);
    const posted = await server.ask('/health', { method: 'POST', body: 'x'.repeat(100_000) });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const health = await server.ask('/health?full=1');
    expect([health.status, health.headers.get('content-type'), health.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'no-store',
    ]);
    expect(await health.json()).toEqual({ status: 'starting', reasons: [] });
    const head = await server.ask('/metrics', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('names the port that is in use, or the address that this machine does not have', async () => {
    const other = createServer();
    await new Promise<void>((settle) => other.listen(0, '127.0.0.1', settle));
    const { port } = other.address() as AddressInfo;
    const deps = { log: SILENT_LOG, clock: SYSTEM_CLOCK };
    const open = (http: typeof LOOPBACK) => openHttp([{ live: new LiveState({ name: 'shop', taskId: TASK_ID }), http }], deps);
    await expect(open({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'http_unavailable',
      details: { port, reason: 'EADDRINUSE' },
    });
    await expect(open({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'http_unavailable' });
    await new Promise((settle) => other.close(settle));
  });
});
