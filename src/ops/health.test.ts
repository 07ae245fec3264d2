/** How states of a connector read as health. */
import { describe, expect, it } from 'vitest';
import { type ErrorCode, SlotlineError } from '../core/errors.ts';
import type { ConnectorState } from '../pipeline/life/connector.ts';
import { LiveState } from '../pipeline/life/live-state.ts';
import { connectorHealth, healthOf, isHealthy, isWaitingFor } from './health.ts';

const RUNNING: ConnectorState = { tag: 'running' };
const STARTING: ConnectorState = { tag: 'starting', attempt: 1, everRan: true, sinceMs: 0 };

function retrying(code: ErrorCode): ConnectorState {
  return { tag: 'waiting', attempt: 1, everRan: true, sinceMs: 0, error: new SlotlineError(code) };
}

function live(...states: readonly ConnectorState[]): LiveState {
  const connector = new LiveState('shop');
  for (const state of states) connector.connector = state;
  return connector;
}

describe('health', () => {
  it.each<[ErrorCode, string, string]>([
    ['registry_unreachable', 'registry', 'waiting'],
    ['kafka_unreachable', 'kafka', 'waiting'],
    ['pg_connection_lost', 'postgres', 'waiting'],
    ['stream_silent', 'postgres', 'waiting'],
    ['slot_in_use', 'slot', 'waiting'],
    ['fenced', 'restart', 'waiting'],
    ['registry_incompatible', 'registry', 'failing'],
    ['pg_authentication_failed', 'postgres', 'failing'],
  ])('between attempts ended by %s names %s and is %s', (code, waitingFor, status) => {
    expect(healthOf([live(RUNNING, retrying(code))])).toMatchObject({ status, reasons: [{ connector: 'shop', waitingFor, code }] });
    expect(healthOf([live(RUNNING, retrying(code), STARTING)])).toMatchObject({ status, reasons: [{ waitingFor, code }] });
    const again = live(retrying(code), RUNNING);
    // A stream may run for a while before it needs the registry.
    if (waitingFor === 'registry') expect(healthOf([again])).toMatchObject({ status: 'waiting', reasons: [{ code }] });
    again.onRegistryAnswered({});
    expect(healthOf([again])).toEqual({ status: 'ok', reasons: [] });
  });

  it('is ok while a snapshot is taken, and waiting while one stands still', () => {
    const connector = live(retrying('pg_unreachable'), STARTING);
    connector.isSnapshotting = true;
    expect(healthOf([connector])).toEqual({ status: 'ok', reasons: [] });
    connector.onRegistryRetry(new SlotlineError('registry_unreachable', { url: 'http://registry:8081/' }), {});
    expect(healthOf([connector])).toMatchObject({ status: 'waiting', reasons: [{ waitingFor: 'registry', code: 'registry_unreachable' }] });
    expect(isWaitingFor(connector, 'registry')).toBe(1);
    expect(isWaitingFor(connector, 'kafka')).toBe(0);
    connector.endAttempt();
    expect(isWaitingFor(connector, 'registry')).toBe(0);
  });

  it('stays waiting for the registry until the waiting question itself is answered, whatever others ask or register', async () => {
    const connector = live(RUNNING);
    const [first, second] = [{}, {}];
    connector.onRegistryRetry(new SlotlineError('registry_unreachable'), first);
    connector.onRegistryRetry(new SlotlineError('registry_unreachable'), second);
    await connector.countRefusals(Promise.resolve());
    expect(connectorHealth(connector).status).toBe('waiting');
    connector.onRegistryAnswered(second);
    expect(connectorHealth(connector).status).toBe('waiting');
    connector.onRegistryAnswered(first);
    expect(connectorHealth(connector).status).toBe('ok');
  });

  it('is never ok between the end of an attempt and the next state of the connector', () => {
    const connector = live(RUNNING);
    const error = new SlotlineError('registry_unreachable');
    connector.onRegistryRetry(error, {});
    connector.endAttempt(error);
    expect(healthOf([connector])).toMatchObject({ status: 'waiting', reasons: [{ waitingFor: 'registry', code: 'registry_unreachable' }] });
  });

  it('is the worst of several connectors, with the reasons of all', () => {
    const stopped = live({ tag: 'stopped', error: new SlotlineError('start_timeout') });
    expect(healthOf([live(RUNNING), live(STARTING)]).status).toBe('starting');
    const { status, reasons } = healthOf([live(retrying('kafka_unreachable')), live(RUNNING), stopped]);
    expect([status, isHealthy(status), isHealthy('waiting'), isHealthy('failing')]).toEqual(['stopped', false, true, false]);
    expect(reasons.map(({ code }) => code)).toEqual(['kafka_unreachable', 'start_timeout']);
    expect(healthOf([live({ tag: 'stopped', error: undefined })]).status).toBe('stopping');
  });
});
