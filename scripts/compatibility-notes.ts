/**
 * Owns the prose of docs/compatibility.md: what a user of Debezium may notice that no table of the program tells, each with its reason.
 * Differences in recorded events are in test/golden/replay-differences.ts, those of options in the option table.
 */
import type { ValueCorrection } from '../src/core/options.ts';

export type Note = { readonly here: string; readonly why: string };
export type NoteTopic = { readonly title: string; readonly notes: readonly Note[] };

export const NOTES: readonly NoteTopic[] = [
  {
    title: 'Events',
    notes: [
      { here: "`source.version` is Slotline's version.", why: 'It names the program that read the change.' },
      {
        here: '`source.xmin` is always null.',
        why: "Debezium's too, unless `xmin.fetch.interval.ms` is set, which is refused here.",
      },
      {
        here: 'Floating-point numbers have the shortest digits that read back.',
        why: 'Java prints them so since version 19; under Java 17 Debezium prints one digit more for a few (`1.17549435E-38`).',
      },
      {
        here: 'The last digits of the envelope’s `ts_ns` are zeros.',
        why: 'The clock counts microseconds. Debezium prints what the clock of its virtual machine has, often the same.',
      },
      {
        here: 'A streamed `timetz` whose offset has seconds, and a domain over an enum, simply work.',
        why: 'Debezium stops at them.',
      },
      {
        here: 'A row that cannot be processed is never skipped: `event.processing.failure.handling.mode` and `errors.tolerance` have no effect.',
        why: 'No event is lost without a word. What a single value that cannot be converted becomes is `event.converting.failure.handling.mode`.',
      },
    ],
  },
  {
    title: 'Delivery',
    notes: [
      {
        here: "A position is confirmed to PostgreSQL within 20 ms of Kafka's acknowledgement, not once per `offset.flush.interval.ms`.",
        why: 'Less is repeated after a crash.',
      },
      {
        here: "After a restart the stream goes on at the slot's confirmed position. The stored offset says only whether the snapshot is complete; its `lsn` is not compared with the slot.",
        why: 'What Kafka has is confirmed to the slot at once, so the slot is never behind it.',
      },
      {
        here: 'An idle slot advances without heartbeats, also while other databases of the server are busy.',
        why: 'An idle capture must not keep WAL on the server.',
      },
      {
        here: '`producer.acks` 0 and 1 are refused unless `slotline.allow.loss=true`.',
        why: 'With them an acknowledged record can be lost.',
      },
      {
        here: 'A second process on the same slot waits and takes over; it does not fail after `slot.max.retries`.',
        why: 'It is the standby that a restart of the first needs.',
      },
      {
        here: 'Where a slot exists already and a snapshot is due, the slot is streamed up to a consistent point first, then the rows as of that point are sent, then the stream goes on.',
        why: 'For no key does a position go backwards.',
      },
      {
        here: 'A snapshot refuses to read a table whose rows are hidden from its role by row-level security.',
        why: 'Rows would be missing without a word.',
      },
    ],
  },
  {
    title: 'Running it',
    notes: [
      {
        here: 'A process with one or more JSON files instead of a Connect cluster. No REST API and no JMX.',
        why: 'One small process is the point.',
      },
      {
        here: `\`\${env:…}\`, \`\${file:…}\` and \`\${dir:…}\` are always there; no \`config.providers\` are needed.`,
        why: 'A secret must not stand in a file of settings.',
      },
      {
        here: 'Options that would change which data is sent, or its shape, and are not honoured yet are an error. So is an unknown name.',
        why: 'A mask that is ignored is a leak. Connect ignores what it does not know.',
      },
      {
        here: 'Java key stores, Kerberos and Java classes (converters, transforms, partitioners, login modules) cannot be used.',
        why: 'There is no Java.',
      },
      {
        here: 'After the first success, whatever can heal by itself is retried for ever (`errors.max.retries` limits it). At the first start, wrong credentials or rights end the process with exit code 1.',
        why: 'A wrong config must be seen at once, an outage must be survived.',
      },
    ],
  },
];

/** What each value of `slotline.values.corrections` mends. */
export type Correction = { readonly debezium: string; readonly mended: string };

export const CORRECTIONS: Readonly<Record<ValueCorrection, Correction>> = {
  'toast-placeholders': { debezium: '', mended: '' },
  numerics: { debezium: '', mended: '' },
  'dates-and-times': { debezium: '', mended: '' },
  names: { debezium: '', mended: '' },
  arrays: { debezium: '', mended: '' },
};
