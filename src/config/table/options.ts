/**
 * Owns the option table: every name that a config may hold, joined from the topic files, and the look-up by any
 * spelling. docs/options.md is generated from it.
 */

import { CONNECTOR_OPTIONS, RUNTIME_OPTIONS, SLOTLINE_OPTIONS } from './connector.ts';
import { DATABASE_OPTIONS } from './database.ts';
import { EVENT_OPTIONS, FILTER_OPTIONS } from './events.ts';
import { CLIENT_OPTIONS, PRODUCER_OPTIONS, TOPIC_CREATION_OPTIONS } from './kafka.ts';
import { RENAMED } from './names/renamed.ts';
import { isFamily, type OptionSpec } from './option-spec.ts';
import { SECURITY_OPTIONS } from './security.ts';
import { SLOT_OPTIONS } from './slot.ts';
import { SIGNAL_OPTIONS, SNAPSHOT_OPTIONS } from './snapshot.ts';

export type OptionTopic = { readonly title: string; readonly options: readonly OptionSpec[] };

export const OPTION_TOPICS: readonly OptionTopic[] = [
  { title: 'Connection to PostgreSQL', options: DATABASE_OPTIONS },
  { title: 'Slot, publication and stream', options: SLOT_OPTIONS },
  { title: 'What is captured', options: FILTER_OPTIONS },
  { title: 'Events and values', options: EVENT_OPTIONS },
  { title: 'Snapshot', options: SNAPSHOT_OPTIONS },
  { title: 'Kafka client', options: CLIENT_OPTIONS },
  { title: 'Kafka producer', options: PRODUCER_OPTIONS },
  { title: 'Kafka security', options: SECURITY_OPTIONS },
  { title: 'Topic creation', options: TOPIC_CREATION_OPTIONS },
  { title: 'Queue, retries and offsets', options: RUNTIME_OPTIONS },
  { title: 'Signals and notifications', options: SIGNAL_OPTIONS },
  { title: 'Connector, converters and transforms', options: CONNECTOR_OPTIONS },
  { title: 'Only in Slotline', options: SLOTLINE_OPTIONS },
];

export const OPTIONS: readonly OptionSpec[] = OPTION_TOPICS.flatMap((topic) => topic.options);

/** The row that a written name means. Of several spellings of one option, the one with the highest rank wins. */
type FoundOption = { readonly spec: OptionSpec; readonly rank: number };

const BY_NAME: ReadonlyMap<string, FoundOption> = new Map(OPTIONS.filter((spec) => !isFamily(spec)).flatMap(spellings));
const FAMILIES: readonly { readonly spec: OptionSpec; readonly pattern: RegExp }[] = OPTIONS.filter(isFamily).flatMap((spec) => [spec.name, ...spec.aliases].map((name) => ({ spec, pattern: familyPattern(name) })));

/** Every name that a mistyped one may have meant. */
export const KNOWN_NAMES: readonly string[] = [...BY_NAME.keys(), ...Object.keys(RENAMED)];

export function findOption(name: string): FoundOption | undefined {
  return BY_NAME.get(name);
}

/** The family that `name` belongs to; `table order` decides between two. */
export function findFamily(name: string): OptionSpec | undefined {
  return FAMILIES.find((family) => family.pattern.test(name))?.spec;
}

function spellings(spec: OptionSpec): [string, FoundOption][] {
  const names = spec.aliases.includes(spec.name) ? spec.aliases : [spec.name, ...spec.aliases];
  return names.map((name, rank) => [name, { spec, rank: rank + 1 }]);
}

function familyPattern(name: string): RegExp {
  const parts = name.split(/<[^<>]*>/).map((part) => RegExp.escape(part));
  const holes = parts.length - 1;
  const source = parts.map((part, index) => (index === 0 ? part : `${index === holes && part === '' ? '.+' : '[^.]+'}${part}`)).join('');
  return new RegExp(`^${source}$`, 's');
}
