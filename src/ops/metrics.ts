/**
 * Owns the table of metrics, and their text in Prometheus' format (text/plain, version 0.0.4). Every value is read when it is asked for,
 * from counters that exist anyway. A new metric is one row here; docs/metrics.md is generated from the table.
 */
import type { LiveView } from '../pipeline/life/live-state.ts';
import { isWaitingFor } from './health.ts';

type Common = {
  /** `slotline_`, snake_case, the unit last; counters end in `_total`. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
};
/** `undefined`: there is no value now, and no line. */
type Single = Common & { readonly read: (live: LiveView, nowUs: number) => number | undefined };
/** One line for each value of the label. */
type Labelled = Common & { readonly label: string; readonly readEach: (live: LiveView) => Readonly<Record<string, number>> };
type MetricSpec = Single | Labelled;

const flag = (value: boolean): number => (value ? 1 : 0);

/** biome-ignore format: one row, one metric */
export const METRICS: readonly MetricSpec[] = [
  { name: 'slotline_up', kind: 'gauge', help: '1 while the connector runs, starts or waits; 0 once it has stopped.', read: (live) => flag(live.connector.tag !== 'stopped') },
  { name: 'slotline_streaming', kind: 'gauge', help: '1 while changes are streamed.', read: (live) => flag(live.connector.tag === 'running') },
  { name: 'slotline_snapshotting', kind: 'gauge', help: '1 while a snapshot is taken.', read: (live) => flag(live.isSnapshotting) },
  { name: 'slotline_attempts_total', kind: 'counter', help: 'Attempts that were begun: the start, and one more after each that failed.', read: (live) => live.attempts },
  { name: 'slotline_events_total', kind: 'counter', help: 'Events by operation since the start of the process, repeated ones included; skipped: left out because an option says so; dead_lettered: those of the others that went to the dead-letter topic; dropped: records that a transform left out.', label: 'operation', readEach: (live) => snakeCased(live.events) },
  { name: 'slotline_records_acknowledged_total', kind: 'counter', help: 'Records that all in-sync replicas have acknowledged, tombstones and heartbeats included.', read: (live) => live.recordsAcknowledged },
  { name: 'slotline_last_message_age_seconds', kind: 'gauge', help: 'Time since a message of the stream or a row of a snapshot was last read; absent before the first.', read: (live, nowUs) => (live.lastMessageUs === 0 ? undefined : Math.max(0, nowUs - live.lastMessageUs) / 1e6) },
  { name: 'slotline_received_lsn_bytes', kind: 'gauge', help: 'Highest WAL position that PostgreSQL has sent, in bytes; 0 before streaming.', read: (live) => live.receivedLsn },
  { name: 'slotline_confirmed_lsn_bytes', kind: 'gauge', help: 'WAL position that is confirmed to PostgreSQL, in bytes; 0 before streaming.', read: (live) => live.confirmedLsn },
  { name: 'slotline_catchup_active', kind: 'gauge', help: '1 while a backlog is read in bulk by SQL, 0 while changes come by the replication stream.', read: (live) => flag(live.isReadingInBulk) },
  { name: 'slotline_catchup_fallbacks_total', kind: 'counter', help: 'Times that reading in bulk did not work and the replication stream was read instead.', read: (live) => live.catchUpFallbacks },
  { name: 'slotline_source_changes_total', kind: 'counter', help: 'Changes of publication, captured tables and rights that were noticed while reading; loss: rows are or may be missing; warning: a person should look; info: nothing is missing.', label: 'severity', readEach: (live) => live.source.changes },
  { name: 'slotline_source_troubles', kind: 'gauge', help: 'What is not well with publication, captured tables or rights now, or has lost rows since the start of the process; /health names each.', read: (live) => live.source.troubles.length },
  { name: 'slotline_source_look_failures_total', kind: 'counter', help: 'Looks at publication and tables that PostgreSQL did not answer.', read: (live) => live.source.looksFailed },
  { name: 'slotline_server_notices_total', kind: 'counter', help: 'Warnings and notices of PostgreSQL in the stream and while a backlog is read.', read: (live) => live.source.notices },
  { name: 'slotline_producer_buffer_records', kind: 'gauge', help: 'Records that are appended and not acknowledged.', read: (live) => live.pending.records },
  { name: 'slotline_producer_buffer_bytes', kind: 'gauge', help: 'Bytes of those records.', read: (live) => live.pending.bytes },
  { name: 'slotline_registry_waiting', kind: 'gauge', help: '1 while the schema registry is waited for.', read: (live) => isWaitingFor(live, 'registry') },
  { name: 'slotline_registry_retries_total', kind: 'counter', help: 'Questions to the schema registry that were asked again.', read: (live) => live.registryRetries },
  { name: 'slotline_schema_incompatible_total', kind: 'counter', help: 'Times that the schema registry refused a schema as incompatible.', read: (live) => live.schemasIncompatible },
  { name: 'slotline_kafka_waiting', kind: 'gauge', help: '1 while Kafka is waited for.', read: (live) => isWaitingFor(live, 'kafka') },
  { name: 'slotline_topics_recreated_total', kind: 'counter', help: 'Topics that were deleted and made again while they were written to: what was acknowledged before is gone with them (log: topic.recreated).', read: (live) => live.topicsRecreated },
  { name: 'slotline_slot_waiting', kind: 'gauge', help: '1 while another process holds the slot: this one is the standby.', read: (live) => isWaitingFor(live, 'slot') },
  { name: 'slotline_postgres_waiting', kind: 'gauge', help: '1 while PostgreSQL is waited for.', read: (live) => isWaitingFor(live, 'postgres') },
];

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Every line has the label `connector`. */
export function metricsText(connectors: readonly LiveView[], nowUs: number): string {
  return METRICS.map((spec) => {
    const lines = connectors.flatMap((live) => samples(spec, live, nowUs));
    return `# HELP ${spec.name} ${escaped(spec.help)}\n# TYPE ${spec.name} ${spec.kind}\n${lines.join('')}`;
  }).join('');
}

function samples(spec: MetricSpec, live: LiveView, nowUs: number): string[] {
  const connector = `connector="${escapedLabel(live.name)}"`;
  if ('label' in spec) {
    return Object.entries(spec.readEach(live)).map(
      ([key, value]) => `${spec.name}{${connector},${spec.label}="${escapedLabel(key)}"} ${value}\n`,
    );
  }
  const value = spec.read(live, nowUs);
  return value === undefined ? [] : [`${spec.name}{${connector}} ${value}\n`];
}

function snakeCased(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), count]),
  );
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapedLabel(text: string): string {
  return escaped(text).replaceAll('"', '\\"');
}
