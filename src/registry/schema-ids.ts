/**
 * Owns which subject a schema goes to and how it gets its id there: registered, looked up, or the latest version taken. Asked when a
 * relation is learned; the calls themselves are registry/schema-registry.ts.
 * Source: io.confluent.kafka.serializers.AbstractKafkaAvroSerializer, io.confluent.kafka.serializers.subject.
 */
import { SlotlineError } from '../core/errors.ts';
import type { RegisteredConverterOptions, RegistryOptions, SubjectNameStrategy } from '../core/options.ts';
import type { NamedSchema } from '../serde/registered-format.ts';
import { isSameShape, schemaDifferences } from './differences.ts';
import { type RegistryDeps, SchemaRegistry, type SubjectSchema } from './schema-registry.ts';

export type Half = 'key' | 'value';

export type SchemaIdsDeps = {
  readonly registry: Pick<SchemaRegistry, 'register' | 'lookup' | 'latest'>;
  readonly options: Pick<RegisteredConverterOptions, 'autoRegister' | 'useLatestVersion' | 'subjectNames'>;
  readonly half: Half;
  readonly signal: AbortSignal;
};

export class SchemaIds {
  readonly #deps: SchemaIdsDeps;

  constructor(deps: SchemaIdsDeps) {
    this.#deps = deps;
  }

  /** Throws registry_* errors; a registry that is away is waited for as long as its options say. */
  async idOf(topic: string, schema: NamedSchema): Promise<number> {
    const { registry, options, signal, half } = this.#deps;
    const subject = subjectName(options.subjectNames, { topic, half, record: schema.name });
    const wanted = { subject, schema: schema.text, type: schema.type };
    if (options.autoRegister) return await registry.register(wanted, signal);
    if (options.useLatestVersion) return await this.#latestId(wanted);
    const id = await registry.lookup(wanted, signal);
    if (id === undefined) throw new SlotlineError('registry_schema_missing', { subject });
    return id;
  }

  /** Records are written in the shape that Slotline's own schema has, so the latest version must have it too. */
  async #latestId(wanted: SubjectSchema): Promise<number> {
    const latest = await this.#deps.registry.latest(wanted.subject, this.#deps.signal);
    if (latest === undefined) throw new SlotlineError('registry_schema_missing', { subject: wanted.subject, version: 'latest' });
    const compared = { registered: latest.schema, wanted: wanted.schema, type: wanted.type };
    if (isSameShape(compared)) return latest.id;
    throw new SlotlineError('registry_incompatible', {
      subject: wanted.subject,
      version: latest.version,
      fields: schemaDifferences(compared),
    });
  }
}

/** What subjects are asked for. */
type RegistryCalls = SchemaIdsDeps['registry'];

export type RegistryUse = {
  readonly registry: RegistryDeps;
  readonly signal: AbortSignal;
  /** Instead of an own client; whoever gives it closes it. */
  readonly openRegistry?: (options: RegistryOptions) => RegistryCalls;
};

/** With a registry client of its own, which ends with the attempt. */
export function createSchemaIds(deps: RegistryUse, options: RegisteredConverterOptions, half: Half): SchemaIds {
  const registry = deps.openRegistry?.(options.registry) ?? ownRegistry(deps, options);
  return new SchemaIds({ registry, options, half, signal: deps.signal });
}

function ownRegistry(deps: RegistryUse, options: RegisteredConverterOptions): SchemaRegistry {
  const registry = new SchemaRegistry(options.registry, deps.registry);
  deps.signal.addEventListener('abort', () => void registry[Symbol.asyncDispose](), { once: true });
  return registry;
}

export function subjectName(
  strategy: SubjectNameStrategy,
  { topic, half, record }: { readonly topic: string; readonly half: Half; readonly record: string },
): string {
  switch (strategy) {
    case 'topic':
      return `${topic}-${half}`;
    case 'record':
      return record;
    case 'topic_record':
      return `${topic}-${record}`;
  }
}
