/**
 * Owns the coverage table: which recorded case shows which type in which mode and phase, and which option. Computed from the recordings
 * alone. Does not own the rows (coverage-rows.ts, coverage-features.ts).
 */
import { createHash } from 'node:crypto';
import { FEATURE_SECTIONS } from './coverage-features.ts';
import { MODE_DEFAULTS, type Mode, type Phase, ROW_SECTIONS, type TypeRow } from './coverage-rows.ts';
import type { CaseGroup, GoldenCase } from './replay-cases.ts';

export type Cell = {
  readonly section: string;
  readonly title: string;
  /** '' where no mode changes it, and for features. */
  readonly mode: string;
  /** Undefined for features. */
  readonly phase?: Phase;
  readonly cases: readonly string[];
};

export const PHASE_TITLES: Readonly<Record<Phase, string>> = {
  r: 'snapshot',
  c: 'create',
  u: 'update',
  d: 'delete',
  toast: 'unchanged TOAST',
};

export function coverage(groups: readonly CaseGroup[]): Cell[] {
  const goldens = groups.flatMap(({ cases }) => cases);
  const plain = goldens.filter(({ columns }) => columns !== undefined).map((golden) => ({ golden, sightings: sightingsOf(golden) }));
  const typeCells = ROW_SECTIONS.flatMap(({ title: section, rows }) =>
    rows.flatMap((row) =>
      row.modes.flatMap((mode) =>
        row.phases.map((phase): Cell => {
          const cases = plain.filter((one) => isShown(one, row, { mode, phase })).map(({ golden }) => golden.name);
          return { section, title: row.title, mode: mode.label, phase, cases };
        }),
      ),
    ),
  );
  const featureCells = FEATURE_SECTIONS.flatMap(({ title: section, features }) =>
    features.map(
      (feature): Cell => ({
        section,
        title: feature.title,
        mode: '',
        cases: groups.filter(({ cases }) => cases.some(feature.shows)).map(({ name }) => name),
      }),
    ),
  );
  return [...typeCells, ...featureCells];
}

/** One value of one column in one record. */
type Sighting = { readonly types: readonly string[]; readonly phase: Phase; readonly state: 'value' | 'null' | 'absent' };

type SeenCase = { readonly golden: GoldenCase; readonly sightings: readonly Sighting[] };

function isShown({ golden, sightings }: SeenCase, row: TypeRow, { mode, phase }: { mode: Mode; phase: Phase }): boolean {
  for (const [option, wanted] of Object.entries(mode.settings)) {
    if ((golden.settings[option] ?? MODE_DEFAULTS[option]) !== wanted) return false;
  }
  return sightings.some(({ types, phase: seenIn, state }) => {
    if (seenIn !== phase || !types.some((type) => row.type.test(type))) return false;
    if (row.absentIn.includes(mode.label)) return state === 'absent';
    return state === 'value' || (state === 'null' && row.nullIn?.phases.includes(phase) === true);
  });
}

type Payload = {
  readonly before?: Readonly<Record<string, unknown>> | null;
  readonly after?: Readonly<Record<string, unknown>> | null;
  readonly op?: string;
  readonly source?: { readonly schema: string; readonly table: string };
};

/** Each kind once: a case has the same column in many records. */
function sightingsOf(golden: GoldenCase): readonly Sighting[] {
  return [...new Map(allSightings(golden).map((one) => [[...one.types, one.phase, one.state].join('\n'), one])).values()];
}

function allSightings(golden: GoldenCase): Sighting[] {
  const lastRows = new Map<string, Readonly<Record<string, unknown>>>();
  return golden.records.flatMap(({ topic, key, value }) => {
    if (typeof value !== 'string' || golden.settings['value.converter.schemas.enable'] === 'true') return [];
    const payload: Payload = JSON.parse(value);
    const { op, source } = payload;
    const image = op === 'd' ? payload.before : payload.after;
    if (image == null || source === undefined || !isPhase(op)) return [];
    const rowName = `${topic} ${String(key)}`;
    const previous = lastRows.get(rowName);
    lastRows.set(rowName, image);
    const columns = golden.columns?.[`${source.schema}.${source.table}`] ?? {};
    return Object.entries(columns).map(([name, text]): Sighting => {
      const types = text.split(' then ');
      // A placeholder is no value of the type.
      if (op === 'u' && isUnavailable({ golden, name, value: image[name], previous: previous?.[name] }))
        return { types, phase: 'toast', state: 'value' };
      return { types, phase: op, state: stateOf(image, name) };
    });
  });
}

function isPhase(op: string | undefined): op is 'r' | 'c' | 'u' | 'd' {
  return op === 'r' || op === 'c' || op === 'u' || op === 'd';
}

function stateOf(image: Readonly<Record<string, unknown>>, name: string): Sighting['state'] {
  if (!Object.hasOwn(image, name)) return 'absent';
  return image[name] === null ? 'null' : 'value';
}

type Unavailable = { readonly golden: GoldenCase; readonly name: string; readonly value: unknown; readonly previous: unknown };

/**
 * A type without a placeholder shows null: that is unchanged TOAST where the row had a value, or is known to be stored apart, and no
 * statement sets the column.
 */
function isUnavailable({ golden, name, value, previous }: Unavailable): boolean {
  if (value === undefined) return false;
  if (value === null) {
    const column = name.replace(/\W/g, '\\$&');
    const sets = new RegExp(`\\bset\\b.*\\b${column}"?\\s*=`, 'is');
    const isStoredApart = golden.setup.some((sql) => new RegExp(`alter column "?${column}"? set storage external`, 'i').test(sql));
    return (previous != null || isStoredApart) && !golden.steps.flat().some((sql) => /^\s*update/i.test(sql) && sets.test(sql));
  }
  return placeholders(golden).has(JSON.stringify(value));
}

const placeholdersByText = new Map<string, Set<string>>();

function placeholders({ settings }: GoldenCase): Set<string> {
  const option = settings['unavailable.value.placeholder'] ?? '__debezium_unavailable_value';
  const known = placeholdersByText.get(option);
  if (known !== undefined) return known;
  const bytes = option.startsWith('hex:') ? Buffer.from(option.slice(4), 'hex') : Buffer.from(option);
  const text = bytes.toString('utf8');
  const base64 = bytes.toString('base64');
  const map = { [text]: text };
  const scalars = [text, base64, option, base64.replaceAll('+', '-').replaceAll('/', '_'), bytes.toString('hex'), map, JSON.stringify(map)];
  const values = [...scalars, ...scalars.map((one) => [one]), [...bytes], [...bytes].map((byte) => (byte << 24) >> 24), [nameUuid(bytes)]];
  const found = new Set(values.map((value) => JSON.stringify(value)));
  placeholdersByText.set(option, found);
  return found;
}

/** java.util.UUID.nameUUIDFromBytes: version 3 without a name space. */
function nameUuid(bytes: Buffer): string {
  const hex = createHash('md5').update(bytes).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-3${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
