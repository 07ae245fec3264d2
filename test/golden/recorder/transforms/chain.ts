/** Owns how a case of transforms is written down: its chain, its tables, and the formats it is recorded in. */
import type { CaseServer } from '../../replay-cases.ts';
import type { Statements } from './tables.ts';

/** `json` is without schemas, `schemas` with; a case may have several. */
export type TransformForm = 'json' | 'schemas' | 'avro';

export type TransformCase = {
  readonly name: string;
  /** 18 without it. */
  readonly server?: CaseServer;
  readonly forms: readonly TransformForm[];
  readonly tables: Statements;
  /** `<prefix>` stands for the topic prefix, which is another in each form. */
  readonly settings: Settings;
  /** Whole names of topics, as regular expressions, that do not begin with the prefix. No other case may have them. */
  readonly topics?: readonly string[];
  /** Where the chain sets them. */
  readonly timestamps?: true;
};

export type Settings = Readonly<Record<string, string>>;
type Stages = Readonly<Record<string, Settings>>;

export const JSON_FORMS: readonly TransformForm[] = ['json', 'schemas'];
export const ALL_FORMS: readonly TransformForm[] = ['json', 'schemas', 'avro'];

const DEBEZIUM = 'io.debezium.transforms';
const KAFKA = 'org.apache.kafka.connect.transforms';

export const UNWRAP = `${DEBEZIUM}.ExtractNewRecordState`;
export const OUTBOX = `${DEBEZIUM}.outbox.EventRouter`;

/** The class of Debezium or of Kafka, by its name within the package. */
export function debezium(name: string): string {
  return `${DEBEZIUM}.${name}`;
}
export function kafka(name: string): string {
  return `${KAFKA}.${name}`;
}

/** The settings of stages by alias, in their order; an option without a dot in front is the stage's. */
export function chain(stages: Stages, predicates: Stages = {}): Settings {
  return { ...listed('transforms', stages), ...(Object.keys(predicates).length > 0 && listed('predicates', predicates)) };
}

function listed(kind: string, members: Stages): Settings {
  const options = Object.entries(members).flatMap(([alias, own]) =>
    Object.entries(own).map(([option, value]): [string, string] => [`${kind}.${alias}.${option}`, value]),
  );
  return { [kind]: Object.keys(members).join(','), ...Object.fromEntries(options) };
}

/** For chains that cannot take the closing message, or would change its key. */
export const NO_END_MESSAGE: Settings = { 'message.prefix.exclude.list': 'golden_end' };
