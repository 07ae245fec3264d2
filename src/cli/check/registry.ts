/**
 * Owns the check of schema registries: whether they are reachable and let us ask. After it come the schemas of the tables (schemas.ts).
 * Registers nothing.
 */
import type { ConverterOptions, TaskOptions } from '../../core/options.ts';
import { MESSAGE_KEY_SCHEMA } from '../../events/control-events.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import { messageTopic } from '../../events/topic.ts';
import { failure, type Judgement, ok, skipped } from '../../pipeline/judgements/judgement.ts';
import { type Half, subjectName } from '../../registry/schema-ids.ts';
import { SchemaRegistry } from '../../registry/schema-registry.ts';
import { checkSchemas } from './schemas.ts';

const CHECK = 'registry.reachable';
const SCHEMAS = 'registry.schemas';

/** `planned` is undefined where PostgreSQL did not tell which tables there are. */
export async function checkRegistries(
  options: Pick<TaskOptions, 'database' | 'events' | 'keyConverter' | 'transforms' | 'valueConverter'>,
  planned: Promise<readonly RowPlan[] | undefined>,
  signal: AbortSignal,
): Promise<Judgement[]> {
  const reachable = await checkReachable(options, signal);
  if (reachable.length === 0) return [];
  if (reachable.some(({ status }) => status === 'fail'))
    return [...reachable, skipped(SCHEMAS, 'Schemas: the registry has to answer first')];
  const plans = await planned;
  if (plans === undefined) return [...reachable, skipped(SCHEMAS, 'Schemas of tables: the tables have to be in order first')];
  try {
    return [...reachable, ...(await checkSchemas(options, plans, signal))];
  } catch (error) {
    return [...reachable, failure(SCHEMAS, error)];
  }
}

async function checkReachable(
  options: Pick<TaskOptions, 'events' | 'keyConverter' | 'valueConverter'>,
  signal: AbortSignal,
): Promise<Judgement[]> {
  const halves: readonly (readonly [Half, ConverterOptions])[] = [
    ['key', options.keyConverter],
    ['value', options.valueConverter],
  ];
  const items = await Promise.all(halves.map(([half, converter]) => checkRegistry(half, converter, { options, signal })));
  return items.filter((item) => item !== undefined);
}

/** One question that every registry answers, whether it knows the subject or not. */
async function checkRegistry(
  half: Half,
  converter: ConverterOptions,
  { options, signal }: { readonly options: Pick<TaskOptions, 'events'>; readonly signal: AbortSignal },
): Promise<Judgement | undefined> {
  if (!('registry' in converter)) return undefined;
  const { topicPrefix: prefix, topicDelimiter: delimiter } = options.events;
  const place = { topic: messageTopic({ prefix, delimiter }), half, record: MESSAGE_KEY_SCHEMA.name ?? '' };
  await using registry = new SchemaRegistry(
    { ...converter.registry, retryForMs: 0 },
    { random: Math.random, onRetry: () => {}, onAnswered: () => {} },
  );
  try {
    await registry.latest(subjectName(converter.subjectNames, place), signal);
    return ok(CHECK, `The schema registry of ${half}.converter answers`);
  } catch (error) {
    return failure(CHECK, error);
  }
}
