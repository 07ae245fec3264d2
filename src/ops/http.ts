/**
 * Owns the HTTP server for health and metrics: GET /health, GET /metrics. Reads only; it has no login, so it listens on loopback unless an
 * option says otherwise. Does not own the answers: health.ts and metrics.ts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SlotlineError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpOptions } from '../core/options.ts';
import type { Clock } from '../core/time.ts';
import type { LiveState } from '../pipeline/life/live-state.ts';
import { healthOf, isHealthy } from './health.ts';
import { METRICS_CONTENT_TYPE, metricsText } from './metrics.ts';

/** Gives what is known of it now. */
type Live = Pick<LiveState, 'view'>;
type Observed = { readonly live: Live; readonly http: HttpOptions | undefined };

/** Health is asked for seldom; more connections than this are a mistake or an attack. */
const CONNECTIONS_MAX = 50;
/** A request for health is short; one that takes longer is not served. */
const REQUEST_TIMEOUT_MS = 5_000;

/** Opens one server for each address; connectors with the same address share it. Throws http_unavailable, and then leaves none open. */
export async function openHttp(
  observed: readonly Observed[],
  deps: { readonly log: Log; readonly clock: Clock },
): Promise<AsyncDisposable> {
  const byAddress = new Map<string, { readonly http: HttpOptions; readonly connectors: Live[] }>();
  for (const { live, http } of observed) {
    if (http === undefined) continue;
    const key = `${http.host} ${http.port}`;
    const shared = byAddress.get(key) ?? { http, connectors: [] };
    shared.connectors.push(live);
    byAddress.set(key, shared);
  }
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
  };
  try {
    for (const { http, connectors } of byAddress.values()) servers.push(await listen(http, connectors, deps));
  } catch (error) {
    await close();
    throw error;
  }
  return { [Symbol.asyncDispose]: close };
}

async function listen(
  { host, port }: HttpOptions,
  connectors: readonly Live[],
  { log, clock }: { readonly log: Log; readonly clock: Clock },
): Promise<Server> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }, (request, response) =>
    answer(request, response, { connectors, clock }),
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((settle, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      fail(new SlotlineError('http_unavailable', { host, port, reason: error.code ?? error.message }, { cause: error })),
    );
    server.listen({ host, port }, settle);
  });
  const { port: chosen } = server.address() as AddressInfo;
  log.info('http.listening', { host, port: chosen });
  return server;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((settle) => server.close(settle));
}

type Answering = { readonly connectors: readonly Live[]; readonly clock: Clock };

function answer(request: IncomingMessage, response: ServerResponse, { connectors, clock }: Answering): void {
  request.resume();
  const path = (request.url ?? '').replace(/\?.*$/s, '');
  if (path !== '/health' && path !== '/metrics') {
    send(response, 404, { type: 'text/plain; charset=utf-8', text: 'There are /health and /metrics.\n' });
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    send(response, 405, { type: 'text/plain; charset=utf-8', text: 'Only GET.\n' });
    return;
  }
  const views = connectors.map((live) => live.view());
  if (path === '/metrics') {
    send(response, 200, { type: METRICS_CONTENT_TYPE, text: metricsText(views, clock.nowUs()) });
    return;
  }
  const health = healthOf(views);
  send(response, isHealthy(health.status) ? 200 : 503, { type: 'application/json', text: `${JSON.stringify(health)}\n` });
}

function send(response: ServerResponse, status: number, { type, text }: { readonly type: string; readonly text: string }): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}
