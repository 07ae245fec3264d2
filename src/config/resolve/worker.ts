/**
 * Owns what a connector's config gets from its Connect worker: converters where it names none, the brokers, and the worker's settings for producers.
 * Does not own their meaning. Nothing else of a worker is taken, and transforms never: a worker has none.
 */

import { type ConfigEnvironment, errorName, substitute } from '../environment.ts';
import { parseProperties } from '../properties.ts';
import { findOption } from '../table/options.ts';

const WORKER_CONFIG = 'slotline.worker.config';

export type Settings = {
  readonly flat: Readonly<Record<string, unknown>>;
  /** The keys that came from the worker's file. */
  readonly fromWorker: ReadonlySet<string>;
  /** Options of a converter that the connector does not name. */
  readonly withoutConverter: readonly { readonly key: string; readonly side: Side }[];
  /** Sides for which neither names a converter. */
  readonly unnamed: readonly Side[];
  /** Why the worker's file cannot be used, or undefined. */
  readonly problem: string | undefined;
};

type Side = 'key' | 'value';
const SIDES: readonly Side[] = ['key', 'value'];

/** `workerConfig` is the path that the command line names; the connector's own slotline.worker.config wins over it. */
export function settingsOf(
  flat: Readonly<Record<string, unknown>>,
  environment: ConfigEnvironment,
  workerConfig: string | undefined,
): Settings {
  const path = pathOf(flat, environment) ?? workerConfig;
  const read = path === undefined ? { worker: new Map<string, string>() } : readWorker(path, environment);
  const worker = read.worker;
  const named = (side: Side): boolean => isGiven(flat[`${side}.converter`]);
  const withoutConverter = SIDES.filter((side) => !named(side)).flatMap((side) =>
    Object.keys(flat)
      .filter((key) => key.startsWith(`${side}.converter.`))
      .map((key) => ({ key, side })),
  );
  const dropped = new Set(withoutConverter.map(({ key }) => key));
  const kept = Object.fromEntries(Object.entries(flat).filter(([key]) => !dropped.has(key)));
  const taken = takenFrom(
    worker,
    kept,
    SIDES.filter((side) => !named(side)),
  );
  return {
    flat: { ...Object.fromEntries(taken), ...kept },
    fromWorker: new Set(taken.keys()),
    withoutConverter,
    unnamed: SIDES.filter((side) => !named(side) && !isGiven(worker.get(`${side}.converter`))),
    problem: 'problem' in read ? read.problem : undefined,
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && String(value).trim() !== '';
}

function pathOf(flat: Readonly<Record<string, unknown>>, environment: ConfigEnvironment): string | undefined {
  const written = flat[WORKER_CONFIG];
  return typeof written === 'string' && written.trim() !== '' ? substitute(written.trim(), environment).text : undefined;
}

function readWorker(path: string, environment: ConfigEnvironment): { worker: ReadonlyMap<string, string>; problem?: string } {
  try {
    return { worker: parseProperties(environment.readFile(path)) };
  } catch (error) {
    return { worker: new Map(), problem: `the worker's file ${path} cannot be read (${errorName(error)})` };
  }
}

/** In Connect a connector's producer has the worker's `producer.*`; the bare ones are for the worker's own clients, which are one with it here. */
const SECURITY = /^(?:security\.protocol|sasl\.|ssl\.)/;

function takenFrom(
  worker: ReadonlyMap<string, string>,
  own: Readonly<Record<string, unknown>>,
  sides: readonly Side[],
): ReadonlyMap<string, string> {
  const given = new Set(Object.keys(own).map((key) => findOption(key)?.spec.name ?? key));
  const byOption = new Map<string, { readonly key: string; readonly text: string; readonly rank: number }>();
  for (const [key, text] of worker) {
    const isConverter = sides.some((side) => key === `${side}.converter` || key.startsWith(`${side}.converter.`));
    const found = findOption(key);
    const isClient = found !== undefined && (key === 'bootstrap.servers' || key.startsWith('producer.') || SECURITY.test(key));
    if (!isConverter && !isClient && !/^config\.providers(\.|$)/.test(key)) continue;
    const option = found?.spec.name ?? key;
    const rank = found?.rank ?? 0;
    if (!given.has(option) && rank >= (byOption.get(option)?.rank ?? 0)) byOption.set(option, { key, text, rank });
  }
  return new Map([...byOption.values()].map(({ key, text }) => [key, text]));
}
