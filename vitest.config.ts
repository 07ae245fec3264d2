/** Owns the test lanes: which files, which servers, how much time. */
import process from 'node:process';
import { defineConfig } from 'vitest/config';
import { countingReporter } from './test/harness/counting-reporter.ts';

const SERVER_TESTS = ['src/**/*.{pg,kafka}.test.ts'];
/** The long matrices run only by `npm run test:all`. */
const LONG_TESTS = ['test/**/*.all.test.ts'];
/** They read the project's files only. */
const SERVERLESS_TESTS = ['test/{tidy,docker,docs,config}*.test.ts', 'test/golden/{masks,coverage,corpus-values}.test.ts'];
const runsLong = process.env['SLOTLINE_TEST_ALL'] === '1';

export default defineConfig({
  test: {
    reporters: ['default', countingReporter()],
    // Two: servers, brokers and the program under test share the machine with the tests.
    maxWorkers: 2,
    // kafkajs sets timers in the past; Node warns about each.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', ...SERVERLESS_TESTS],
          exclude: SERVER_TESTS,
          testTimeout: 10_000,
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
