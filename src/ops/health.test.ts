/** How states of a connector read as health. */
import { describe, expect, it } from 'vitest';
import { type ErrorCode, SlotlineError } from '../core/errors.ts';
import { TASK_ID } from '../core/options.ts';
import type { ConnectorState, DesiredState } from '../pipeline/life/connector-state.ts';
import { LiveState, tellingRefusals } from '../pipeline/life/live-state.ts';
import { connectorHealth, type Health, healthOf as healthOfViews, isHealthy, isWaitingFor } from './health.ts';

const RUNNING: ConnectorState = { tag: 'running' };
const STARTING: ConnectorState = { tag: 'starting', attempt: 1, everRan: true, sinceMs: 0 };

function retrying(code: ErrorCode): ConnectorState {
  return { tag: 'waiting', attempt: 1, everRan: true, sinceMs: 0, error: new SlotlineError(code) };
}

function live(...states: readonly ConnectorState[]): LiveState {
  const connector = new LiveState({ name: 'shop', taskId: TASK_ID });
  for (const state of states) connector.tell({ tag: 'connector', state });
  return connector;
}

function healthOf(connectors: readonly LiveState[]): Health {
  return healthOfViews(connectors.map((each) => each.view()));
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
    again.tell({ tag: 'registryAnswered', question: {} });
    expect(healthOf([again])).toEqual({ status: 'ok', reasons: [] });
  });

  it('is ok while a snapshot is taken, and waiting while one stands still', () => {
    const connector = live(retrying('pg_unreachable'), STARTING);
    connector.tell({ tag: 'snapshot', isTaken: true });
    expect(healthOf([connector])).toEqual({ status: 'ok', reasons: [] });
    const error = new SlotlineError('registry_unreachable', { url: 'http://registry:8081/' });
    connector.tell({ tag: 'registryRetry', question: {}, error });
    expect(healthOf([connector])).toMatchObject({ status: 'waiting', reasons: [{ waitingFor: 'registry', code: 'registry_unreachable' }] });
    expect(isWaitingFor(connector.view(), 'registry')).toBe(1);
    expect(isWaitingFor(connector.view(), 'kafka')).toBe(0);
    connector.tell({ tag: 'attemptEnded', error: undefined });
    expect(isWaitingFor(connector.view(), 'registry')).toBe(0);
  });

  it('stays waiting for the registry until the waiting question itself is answered, whatever others ask or register', async () => {
    const connector = live(RUNNING);
    const [first, second] = [{}, {}];
    connector.tell({ tag: 'registryRetry', question: first, error: new SlotlineError('registry_unreachable') });
    connector.tell({ tag: 'registryRetry', question: second, error: new SlotlineError('registry_unreachable') });
    await tellingRefusals(connector, Promise.resolve());
    expect(connectorHealth(connector.view()).status).toBe('waiting');
    connector.tell({ tag: 'registryAnswered', question: second });
    expect(connectorHealth(connector.view()).status).toBe('waiting');
    connector.tell({ tag: 'registryAnswered', question: first });
    expect(connectorHealth(connector.view()).status).toBe('ok');
  });

  it('is never ok between the end of an attempt and the next state of the connector', () => {
    const connector = live(RUNNING);
    const error = new SlotlineError('registry_unreachable');
    connector.tell({ tag: 'registryRetry', question: {}, error });
    connector.tell({ tag: 'attemptEnded', error });
    expect(healthOf([connector])).toMatchObject({ status: 'waiting', reasons: [{ waitingFor: 'registry', code: 'registry_unreachable' }] });
  });

  it('is the worst of several connectors, with the reasons of all', () => {
    const stopped = live({ tag: 'stopped', desired: 'running', error: new SlotlineError('start_timeout') });
    expect(healthOf([live(RUNNING), live(STARTING)]).status).toBe('starting');
    const { status, reasons } = healthOf([live(retrying('kafka_unreachable')), live(RUNNING), stopped]);
    expect([status, isHealthy(status), isHealthy('waiting'), isHealthy('failing')]).toEqual(['stopped', false, true, false]);
    expect(reasons.map(({ code }) => code)).toEqual(['kafka_unreachable', 'start_timeout']);
    expect(healthOf([live({ tag: 'stopped', desired: 'stopped', error: undefined })]).status).toBe('stopping');
  });

  it('is paused, and healthy, from the call on, without what was waited for before', () => {
    const ending = (desired: DesiredState): ConnectorState => ({ tag: 'ending', desired, everRan: true, fresh: false });
    const paused: ConnectorState = { tag: 'paused', everRan: true, fresh: false, error: undefined };
    expect(healthOf([live(retrying('kafka_unreachable'), paused)])).toEqual({ status: 'paused', reasons: [] });
    expect(isHealthy('paused')).toBe(true);
    const statuses = (['running', 'paused', 'stopped'] as const).map(
      (desired) => connectorHealth(live(RUNNING, ending(desired)).view()).status,
    );
    expect(statuses).toEqual(['starting', 'paused', 'stopping']);
  });

  it('forgets what ended it when it is started again', () => {
    const failed: ConnectorState = { tag: 'stopped', desired: 'running', error: new SlotlineError('slot_lost') };
    expect(healthOf([live(failed, { tag: 'starting', attempt: 0, everRan: false, sinceMs: 5 })])).toEqual({
      status: 'starting',
      reasons: [],
    });
  });
});
