/**
 * Owns the count of a test run: a JSON file for scripts/test.ts, which prints the closing line. Names every skipped test with its reason,
 * so that a skip is never silent.
 */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import type { Reporter, TestModule } from 'vitest/node';

/** The file that gets the count; without it nothing is written. */
export const COUNT_FILE_VARIABLE = 'SLOTLINE_TEST_COUNT_FILE';

export type TestCount = { passed: number; failed: number; skipped: number };

export function countingReporter(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const count: TestCount = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
      for (const module of modules) addModule(count, module);
      const file = process.env[COUNT_FILE_VARIABLE];
      if (file) writeFileSync(file, JSON.stringify(count));
    },
  };
}

/** A module that failed to load has errors and no tests: it counts as one failure. */
function addModule(count: TestCount, module: TestModule): void {
  if (module.errors().length > 0) count.failed += 1;
  for (const test of module.children.allTests()) {
    const result = test.result();
    if (result.state === 'passed') count.passed += 1;
    if (result.state === 'failed') count.failed += 1;
    if (result.state === 'skipped' || result.state === 'pending') {
      count.skipped += 1;
      console.log(`skipped: ${test.fullName}${result.state === 'skipped' && result.note ? `: ${result.note}` : ''}`);
    }
  }
}
