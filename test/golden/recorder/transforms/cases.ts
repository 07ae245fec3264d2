/** Owns the list of all cases of transforms, and what is recorded of each: the same statements with other settings in each form. */
import type { GoldenCase } from '../../replay-cases.ts';
import { SCHEMAS_SUFFIX } from '../../replay-cases.ts';
import type { Settings, TransformCase, TransformForm } from './chain.ts';
import { OUTBOX_CASES } from './outbox.ts';
import { ROUTE_CASES } from './routes.ts';
import { SPECIAL_CASES } from './specials.ts';
import { TYPE_CASES } from './types.ts';
import { UNWRAP_CASES } from './unwrap.ts';
import { VALUE_CASES } from './values.ts';

export const TRANSFORM_CASES: readonly TransformCase[] = [
  ...UNWRAP_CASES,
  ...OUTBOX_CASES,
  ...ROUTE_CASES,
  ...VALUE_CASES,
  ...TYPE_CASES,
  ...SPECIAL_CASES,
];

const NAME_START = 'transform-';
const PREFIX = /<prefix>/g;

/** The case in one form as it stands in its file, without records. */
export function inputOf(one: TransformCase, form: TransformForm): GoldenCase {
  const prefix = `tr_${one.name.slice(NAME_START.length).replaceAll('-', '_')}${form === 'json' ? '' : `_${form}`}`;
  const filled = (text: string): string => text.replaceAll(PREFIX, prefix);
  const settings = Object.entries(one.settings).map(([option, value]) => [option, filled(value)]);
  return {
    name: form === 'schemas' ? one.name + SCHEMAS_SUFFIX : one.name,
    ...(one.server !== undefined && { server: one.server }),
    settings: { ...Object.fromEntries(settings), 'topic.prefix': prefix, ...converterSettings(form), 'database.dbname': 'spine' },
    setup: one.tables.setup,
    snapshot: true,
    steps: one.tables.steps,
    ...(one.topics !== undefined && { topics: one.topics.map(filled) }),
    ...(one.timestamps !== undefined && { timestamps: one.timestamps }),
    records: [],
  };
}

/** Those of Avro are the registry's place, which differs between recording and replay. */
function converterSettings(form: TransformForm): Settings {
  if (form === 'avro') return {};
  const schemas = String(form === 'schemas');
  return { 'key.converter.schemas.enable': schemas, 'value.converter.schemas.enable': schemas };
}
