/** Owns the command line of the benchmark: what may be asked for, the defaults, the usage text. */
import { parseArgs } from 'node:util';
import { CHAIN_NAMES, type ChainName } from './transform-chains.ts';

type BenchCase = 'drain' | 'wide' | 'huge' | 'outage' | 'snapshot' | 'latency';
/** `baseline`: Slotline of another checkout; `stream`: this Slotline without bulk reading; `converter`: this Slotline with the format of --converter; `unwrap`, `chain`: with transforms (transform-chains.ts). */
export type Contender = 'pg_recvlogical' | 'frames' | 'baseline' | 'stream' | 'slotline' | 'converter' | ChainName;
/** Formats that need a schema registry; the others' records are JSON without schemas. */
type BenchConverter = 'avro' | 'json-schema' | 'protobuf';

const CASES: readonly BenchCase[] = ['drain', 'wide', 'huge', 'outage', 'snapshot', 'latency'];
export const CONTENDERS: readonly Contender[] = ['pg_recvlogical', 'frames', 'baseline', 'stream', 'slotline', 'converter', ...CHAIN_NAMES];
const CONVERTERS: readonly BenchConverter[] = ['avro', 'json-schema', 'protobuf'];

export type BenchOptions = {
  /** Row changes of the drain workload; everything else scales with it. */
  readonly size: number;
  readonly runs: number;
  readonly cases: readonly BenchCase[];
  readonly contenders: readonly Contender[];
  readonly codec: string;
  /** A further drain uses this format; undefined: only JSON is drained. */
  readonly converter: BenchConverter | undefined;
  readonly pgMajor: 14 | 18;
  readonly rates: readonly number[];
  readonly warmupSeconds: number;
  readonly measureSeconds: number;
  readonly outageSeconds: number;
  /** Further config lines for Slotline, for experiments. */
  readonly settings: Readonly<Record<string, string>>;
  /** Further flags of Slotline's Node. */
  readonly nodeArgs: readonly string[];
  /** Another checkout of Slotline, with its dependencies installed, that is measured beside this one. */
  readonly baselineDir: string | undefined;
  /** Folder for CPU profiles of Slotline; undefined: none are made. */
  readonly profileDir: string | undefined;
  /** Where the JSON goes; undefined: bench/results/<date>.json. */
  readonly out: string | undefined;
};

/** Wrong usage, or something this machine lacks: one line that says what to do. */
export class BenchError extends Error {}

export const USAGE = `npm run bench -- [options]
  --size N              row changes of the drain workload (1000000); the snapshot reads 0.9 N rows, the wide table has 0.1 N
  --runs N              interleaved runs of which the median counts (3)
  --only A,B            of ${CASES.join(', ')} (all)
  --contenders A,B      of ${CONTENDERS.join(', ')} in the drain (all)
  --baseline DIR        another checkout of Slotline, installed: drains beside this one, run by run
  --converter NAME      drains with it too, keys and values, beside JSON: ${CONVERTERS.join(', ')} (starts a schema registry)
  --codec NAME          compression of the drains and the snapshot: none, gzip, snappy, lz4, zstd (lz4)
  --pg 14|18            PostgreSQL to measure with (18)
  --rates A,B           transactions per second of the latency runs (500,3000)
  --warmup S            seconds before a latency run counts (5)
  --seconds S           seconds for which it counts (20)
  --outage S            seconds for which the broker is away (20)
  --set name=value      a further config line for Slotline; may be repeated
  --node-arg FLAG       a further flag for Slotline's Node; may be repeated
  --profile [=DIR]      CPU profiles of Slotline, one per run (bench/results/profiles)
  --out FILE            where the JSON goes (bench/results/<date>.json)`;

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const DEFAULT_PROFILE_DIR = 'bench/results/profiles';

/** Throws BenchError; undefined: only the usage was asked for. */
export function parseBenchOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseKnown(args.map((arg) => (arg === '--profile' ? `--profile=${DEFAULT_PROFILE_DIR}` : arg)));
  if (values.help === true) return undefined;
  const codec = values.codec ?? 'lz4';
  if (!CODECS.includes(codec)) throw new BenchError(`--codec: one of ${CODECS.join(', ')}`);
  const pg = values.pg ?? '18';
  if (pg !== '14' && pg !== '18') throw new BenchError('--pg: 14 or 18, the versions that the tests install');
  return {
    size: positive('size', values.size ?? '1000000', 1_000),
    runs: positive('runs', values.runs ?? '3', 1),
    cases: chosen('only', values.only, CASES),
    contenders: chosen('contenders', values.contenders, CONTENDERS),
    codec,
    converter: values.converter === undefined ? undefined : chosen('converter', values.converter, CONVERTERS)[0],
    pgMajor: pg === '14' ? 14 : 18,
    rates: (values.rates ?? '500,3000').split(',').map((rate) => positive('rates', rate, 1)),
    warmupSeconds: positive('warmup', values.warmup ?? '5', 1),
    measureSeconds: positive('seconds', values.seconds ?? '20', 1),
    outageSeconds: positive('outage', values.outage ?? '20', 1),
    settings: Object.fromEntries((values.set ?? []).map(splitSetting)),
    nodeArgs: values['node-arg'] ?? [],
    baselineDir: values.baseline,
    profileDir: values.profile,
    out: values.out,
  };
}

function parseKnown(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        size: { type: 'string' },
        runs: { type: 'string' },
        only: { type: 'string' },
        contenders: { type: 'string' },
        baseline: { type: 'string' },
        codec: { type: 'string' },
        converter: { type: 'string' },
        pg: { type: 'string' },
        rates: { type: 'string' },
        warmup: { type: 'string' },
        seconds: { type: 'string' },
        outage: { type: 'string' },
        set: { type: 'string', multiple: true },
        'node-arg': { type: 'string', multiple: true },
        profile: { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new BenchError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

function positive(name: string, text: string, min: number): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isInteger(value) || value < min) throw new BenchError(`--${name}: a whole number of at least ${min}`);
  return value;
}

function chosen<T extends string>(name: string, text: string | undefined, all: readonly T[]): readonly T[] {
  if (text === undefined) return all;
  const wanted = text.split(',');
  const unknown = wanted.filter((one) => !all.some((known) => known === one));
  if (unknown.length > 0) throw new BenchError(`--${name}: ${unknown.join(', ')} is none of ${all.join(', ')}`);
  return all.filter((known) => wanted.includes(known));
}

function splitSetting(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new BenchError('--set: name=value');
  return [text.slice(0, at), text.slice(at + 1)];
}
