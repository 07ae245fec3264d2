/**
 * Owns the names of the values that the EventRouter makes: the first event of a payload schema, or of a schema version, gives the name for all
 * later ones, whatever their route. Source: io.debezium.transforms.outbox.EventRouterDelegate.getValueSchema.
 */
import type { FieldSchema } from '../../values/schema.ts';
import { schemaKey } from '../outbox/schema-key.ts';
import { TransformError } from '../shaped-record.ts';

/** As many as Debezium remembers. */
const NAMES_MAX = 10_000;

type Named = { readonly name: string; readonly payload: string };

export class EnvelopeNames {
  readonly #byPayload = new Map<string, string>();
  readonly #byVersion = new Map<string | null, Named>();

  /** `name` is what the first event has. */
  ofPayload(schema: FieldSchema, name: string): string {
    return remembered(this.#byPayload, schemaKey(schema), name);
  }

  /** Throws TransformError if the payload has another schema than the version's first one: a struct of that version cannot hold it. */
  ofVersion(version: string | null, schema: FieldSchema, name: string): string {
    const payload = schemaKey(schema);
    const known = remembered(this.#byVersion, version, { name, payload });
    if (known.payload !== payload) throw new TransformError('Struct schemas do not match.');
    return known.name;
  }
}

function remembered<K, V>(map: Map<K, V>, key: K, first: V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const [oldest] = map.keys();
  if (map.size >= NAMES_MAX && oldest !== undefined) map.delete(oldest);
  map.set(key, first);
  return first;
}
