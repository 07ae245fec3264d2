/** Owns the test lanes: which files, which servers, how much time. */
import process from 'node:process';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { countingReporter } from './test/harness/counting-reporter.ts';

const SERVER_TESTS = ['src/**/*.{pg,kafka}.test.ts'];
/** The long matrices run only by `npm run test:all`. */
const LONG_TESTS = ['test/**/*.all.test.ts'];
/** They read the project's files only. */
const SERVERLESS_TESTS = [
  'test/{tidy,docker,docs,config}*.test.ts',
  'test/config/*.test.ts',
  'test/golden/{masks,transform-masks,coverage,corpus-values,case-store,transforms}.test.ts',
];
/** They take half a minute to two minutes each: begun last, one of them would keep one worker busy while the others are idle. */
const BEGUN_FIRST = [
  '.all.test.ts',
  'golden/replay.test.ts',
  'faults/catch-up.test.ts',
  'faults/registry-outage.test.ts',
  'faults/cluster.test.ts',
  'faults/broker-faults.test.ts',
  'avro/avro-events.test.ts',
  'avro/schema-evolution-refused.test.ts',
  'faults/postgres-faults.test.ts',
  'faults/shutdown.test.ts',
  'faults/broker-outages.test.ts',
  'golden/replay-on-14.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = BEGUN_FIRST.findIndex((name) => moduleId.endsWith(name));
      return place === -1 ? BEGUN_FIRST.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

const runsLong = process.env['SLOTLINE_TEST_ALL'] === '1';

export default defineConfig({
  test: {
    reporters: ['default', countingReporter()],
    // Servers, brokers and the program under test share the machine with the tests; half of a fault test's time is waiting for them.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // kafkajs sets timers in the past; Node warns about each.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', ...SERVERLESS_TESTS],
          exclude: SERVER_TESTS,
          // Bounds what hangs: a machine may be five times as slow, and busy.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: [...SERVER_TESTS, 'test/**/*.test.ts'],
          exclude: [...SERVERLESS_TESTS, ...(runsLong ? [] : LONG_TESTS)],
          globalSetup: ['test/harness/global-setup.ts'],
          testTimeout: runsLong ? 600_000 : 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
