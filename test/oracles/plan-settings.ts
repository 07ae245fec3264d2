/** What tests plan tables by: names as they are, values as by default. */
import { compileFilter, type TableFilter } from '../../src/events/filter.ts';
import type { PlanSettings } from '../../src/events/row-plan.ts';
import { DEFAULT_VALUE_MODES } from '../../src/values/pg-type.ts';

const NO_LISTS = { schemaInclude: [], schemaExclude: [], tableInclude: [], tableExclude: [], columnInclude: [], columnExclude: [] };

/** Of every table, or of those whose names fit. */
export function testFilter(tableInclude: readonly string[] = []): TableFilter {
  return compileFilter({ ...NO_LISTS, tableInclude, tableIgnoreBuiltin: true });
}

export function testPlanSettings(filter: TableFilter): PlanSettings {
  return {
    naming: { prefix: 'srv', delimiter: '.' },
    filter,
    keyColumns: [],
    modes: DEFAULT_VALUE_MODES,
    columnRules: () => undefined,
    adjustSchemaName: (name) => name,
    adjustFieldName: (name) => name,
  };
}
