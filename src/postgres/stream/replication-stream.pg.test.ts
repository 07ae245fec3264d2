/** Owns the tests of a stream's start against a server that logs us in and then says nothing: it ends by the signal, and by the limit. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase } from '../../../test/harness/shared.ts';
import { startTcpProxy, type TcpProxy } from '../../../test/harness/tcp-proxy.ts';
import { until } from '../../../test/harness/until.ts';
import { LSN_ZERO } from '../../core/lsn.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { openSession } from '../session/open-session.ts';
import { type FrameConsumer, ReplicationStream } from './replication-stream.ts';

const CONSUMER: FrameConsumer = { onFrame: () => undefined, onKeepalive: () => undefined, onDrained: () => undefined };
const SETTINGS = { slotName: 'silent', publicationName: 'silent', messages: false, extraParams: [] };
const PLACE = { startLsn: LSN_ZERO, confirmedLsn: LSN_ZERO, statusIntervalMs: 10_000, walSenderTimeoutMs: 60_000 };

describe('the start of a replication stream on a server that does not answer', () => {
  let fresh: FreshDatabase;
  let proxy: TcpProxy;

  beforeAll(async () => {
    fresh = await freshDatabase(18);
    proxy = await startTcpProxy(fresh.server);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await fresh?.drop();
  });

  /** Logged in; nothing of the server arrives any more. */
  async function silentStream(applicationName: string): Promise<ReplicationStream> {
    const options = databaseOptions(fresh.server, fresh.database, { port: proxy.port });
    const session = await openSession(options, { applicationName, replication: true });
    proxy.find(applicationName)?.hold('down');
    return new ReplicationStream(session, { ...SETTINGS, ...PLACE }, SYSTEM_CLOCK);
  }

  it('ends at the time limit, and closes its connection', async () => {
    const stream = await silentStream('limited');
    const startedMs = performance.now();
    const error: unknown = await stream.start(CONSUMER, { signal: new AbortController().signal, timeoutMs: 300 }).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'stream_silent', details: { silentMs: 300 } });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    proxy.find('limited')?.release('down');
    await until('the connection is closed', async () => proxy.find('limited') === undefined, { timeoutMs: 5_000 });
    await stream.close();
  });

  it('ends at once when the signal aborts, with its reason', async () => {
    const stream = await silentStream('aborted');
    const stop = new AbortController();
    const starting = stream.start(CONSUMER, { signal: stop.signal, timeoutMs: 60_000 });
    const reason = new Error('stopped');
    setImmediate(() => stop.abort(reason));
    await expect(starting).rejects.toBe(reason);
    await expect(stream.done()).rejects.toBe(reason);
    await stream.close();
  });
});
