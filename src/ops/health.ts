/** Owns turning a connector's state into health: one word, and what is waited for. Pure; http.ts sends it. */
import { unreachable } from '../core/assert.ts';
import type { SlotlineError } from '../core/errors.ts';
import type { LiveView } from '../pipeline/life/live-state.ts';
import { WAIT_REMEDY } from '../pipeline/reading/wait-watch.ts';

/**
 * `waiting`: the connector goes on by itself once a server answers. `degraded`: it streams, but rows are missing, or soon will be; a
 * restart does not help. `failing`: a person has to act; the connector tries again all the same. The worst status is last.
 */
const STATUSES = ['ok', 'paused', 'starting', 'stopping', 'waiting', 'degraded', 'failing', 'stopped'] as const;
type HealthStatus = (typeof STATUSES)[number];

type WaitingFor = 'registry' | 'kafka' | 'slot' | 'postgres' | 'restart' | 'person';

type HealthReason = {
  readonly connector: string;
  readonly waitingFor: WaitingFor;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
};

export type Health = { readonly status: HealthStatus; readonly reasons: readonly HealthReason[] };

/** The worst of all. */
export function healthOf(connectors: readonly LiveView[]): Health {
  const all = connectors.map(connectorHealth);
  const rank = Math.max(0, ...all.map(({ status }) => STATUSES.indexOf(status)));
  return { status: STATUSES[rank] ?? 'ok', reasons: all.flatMap(({ reasons }) => reasons) };
}

/** True also while a connector waits for a server, because a restart of the process would not help there. */
export function isHealthy(status: HealthStatus): boolean {
  return status !== 'failing' && status !== 'stopped';
}

export function connectorHealth(live: LiveView): Health {
  const state = live.connector;
  const waiting = reasonsOf(live);
  const troubles = sourceReasons(live);
  const reasons = [...waiting, ...troubles];
  switch (state.tag) {
    case 'running':
      if (troubles.length > 0) return { status: 'degraded', reasons };
      return { status: waiting.length === 0 ? 'ok' : 'waiting', reasons };
    case 'unstarted':
    case 'starting':
      if (needsPerson(live.lastError)) return { status: 'failing', reasons };
      if (troubles.length > 0) return { status: 'degraded', reasons };
      if (waiting.length > 0) return { status: 'waiting', reasons };
      return { status: live.isSnapshotting ? 'ok' : 'starting', reasons };
    case 'waiting':
      return { status: needsPerson(state.error) ? 'failing' : 'waiting', reasons };
    case 'ending':
      return { status: ENDING_STATUS[state.desired], reasons };
    case 'paused':
      return { status: 'paused', reasons };
    case 'stopped':
      return { status: state.error === undefined ? 'stopping' : 'stopped', reasons };
    default:
      return unreachable(state);
  }
}

/** By what an attempt is ended for: a restart is a start. */
const ENDING_STATUS = { running: 'starting', paused: 'paused', stopped: 'stopping' } as const;

/** 1 or 0. */
export function isWaitingFor(live: LiveView, what: WaitingFor): number {
  return reasonsOf(live).some(({ waitingFor }) => waitingFor === what) ? 1 : 0;
}

/** What is waited for now; where nothing is known of that, what ended the last attempt. */
function reasonsOf(live: LiveView): HealthReason[] {
  const reasons: HealthReason[] = [];
  const { registryTrouble, catalogTrouble, serverSilence, kafkaTrouble, positionTrouble, slotHolder, serverWait, lastError } = live;
  if (registryTrouble !== undefined) reasons.push(reason(live, 'registry', registryTrouble));
  if (catalogTrouble !== undefined) reasons.push(reason(live, 'postgres', catalogTrouble));
  if (serverSilence !== undefined) reasons.push(reason(live, 'postgres', serverSilence));
  if (kafkaTrouble !== undefined) reasons.push(reason(live, 'kafka', kafkaTrouble));
  else if (positionTrouble !== undefined) reasons.push(reason(live, 'kafka', positionTrouble));
  if (slotHolder !== undefined) {
    const message = `The slot is held by ${slotHolder}`;
    const remedy = 'This process takes over when the other ends.';
    reasons.push({ connector: live.name, waitingFor: 'slot', code: 'slot_in_use', message, remedy });
  }
  if (serverWait !== undefined) {
    const { of: waitingFor, message } = serverWait;
    const code = waitingFor === 'slot' ? 'slot_creation_waits' : 'lock_waits';
    reasons.push({ connector: live.name, waitingFor, code, message, remedy: WAIT_REMEDY });
  }
  if (reasons.length === 0 && lastError !== undefined && !live.isSnapshotting) reasons.push(reason(live, serverOf(lastError), lastError));
  return reasons;
}

/** What is not well with the source itself. */
function sourceReasons(live: LiveView): HealthReason[] {
  return live.source.troubles.map(({ message, remedy }) => ({
    connector: live.name,
    waitingFor: 'person',
    code: 'source_changed',
    message,
    remedy,
  }));
}

function reason(live: LiveView, waitingFor: WaitingFor, { code, message, remedy }: SlotlineError): HealthReason {
  return { connector: live.name, waitingFor, code, message, remedy };
}

/** The server that an error is about: its code begins with the server's name. */
function serverOf({ code }: SlotlineError): WaitingFor {
  if (code.startsWith('registry_')) return 'registry';
  if (code.startsWith('kafka_')) return 'kafka';
  if (code.startsWith('slot_')) return 'slot';
  return code.startsWith('pg_') || code.startsWith('stream_') || code.startsWith('publication_') ? 'postgres' : 'restart';
}

function needsPerson(error: SlotlineError | undefined): boolean {
  return error !== undefined && error.retry !== 'auto';
}
