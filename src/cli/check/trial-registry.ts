/**
 * Owns what stands in for a registry client while `slotline check` plans tables: it asks whether a schema would be taken, registers
 * nothing, and keeps the refusals, so that a key that is refused does not hide the value.
 */
import { SlotlineError } from '../../core/errors.ts';
import { schemaDifferences } from '../../registry/differences.ts';
import type { RegisteredSchema, SchemaRegistry, SubjectSchema } from '../../registry/schema-registry.ts';

/** The id that every schema gets here. Nothing is written with it. */
const NO_ID = 0;

export class TrialRegistry {
  readonly #registry: Pick<SchemaRegistry, 'lookup' | 'latest' | 'isCompatible'>;
  readonly #refusals: SlotlineError[];

  constructor(registry: Pick<SchemaRegistry, 'lookup' | 'latest' | 'isCompatible'>, refusals: SlotlineError[]) {
    this.#registry = registry;
    this.#refusals = refusals;
  }

  /** A registry does not compare a schema that is already one of the subject's versions. */
  async register(wanted: SubjectSchema, signal: AbortSignal): Promise<number> {
    const registry = this.#registry;
    const latest = await registry.latest(wanted.subject, signal);
    if (latest === undefined || (await registry.lookup(wanted, signal)) !== undefined) return NO_ID;
    if (await registry.isCompatible(wanted, signal)) return NO_ID;
    const fields = schemaDifferences({ registered: latest.schema, wanted: wanted.schema, type: wanted.type });
    this.#refusals.push(new SlotlineError('registry_incompatible', { subject: wanted.subject, version: latest.version, fields }));
    return NO_ID;
  }

  async lookup(wanted: SubjectSchema, signal: AbortSignal): Promise<number> {
    const id = await this.#registry.lookup(wanted, signal);
    if (id === undefined) this.#refusals.push(new SlotlineError('registry_schema_missing', { subject: wanted.subject }));
    return id ?? NO_ID;
  }

  latest(subject: string, signal: AbortSignal): Promise<RegisteredSchema | undefined> {
    return this.#registry.latest(subject, signal);
  }
}
