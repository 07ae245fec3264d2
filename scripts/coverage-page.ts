/** Owns docs/coverage.md: the coverage table of the recorded cases (test/golden/coverage.ts) as a page. */
import { type Cell, PHASE_TITLES } from '../test/golden/coverage.ts';
import type { Phase } from '../test/golden/coverage-rows.ts';
import { caseLinks, table } from './markdown.ts';

const PHASES: readonly Phase[] = ['r', 'c', 'u', 'd', 'toast'];
const EMPTY = '**none**';
/** A phase that a type cannot be in. */
const NOT_APPLICABLE = '–';

export function coveragePage(cells: readonly Cell[]): string {
  const sections = [...new Set(cells.map(({ section }) => section))].map((section) => {
    const own = cells.filter((one) => one.section === section);
    return `## ${section}\n\n${own.some(({ phase }) => phase !== undefined) ? typeTable(own) : featureTable(own)}`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

const INTRODUCTION = `# What the recorded cases cover

This page is generated from the recorded cases of a running Debezium (\`npm run docs\`); a cell without a case fails a test. Each cell names
one of the cases that show it. A value must be there to count: a delete shows a type only with the whole old row, an update only with the
new value; unchanged TOAST is the placeholder for a value that the server did not send.
`;

function typeTable(cells: readonly Cell[]): string {
  const rows = new Map<string, Cell[]>();
  for (const cell of cells) {
    const name = `${cell.title}\n${cell.mode}`;
    rows.set(name, [...(rows.get(name) ?? []), cell]);
  }
  const lines = [...rows.values()].map((row) => {
    const phases = PHASES.map((phase) => {
      const cell = row.find((one) => one.phase === phase);
      return cell === undefined ? NOT_APPLICABLE : shown(cell, 1);
    });
    return [row[0]?.title ?? '', row[0]?.mode ?? '', ...phases];
  });
  return table(['type', 'mode', ...PHASES.map((phase) => PHASE_TITLES[phase])], lines);
}

function featureTable(cells: readonly Cell[]): string {
  return table(
    ['option or behaviour', 'cases'],
    cells.map((cell) => [cell.title, shown(cell, 3)]),
  );
}

function shown({ cases }: Cell, shownMax: number): string {
  return cases.length === 0 ? EMPTY : caseLinks(cases.slice(0, shownMax), shownMax);
}
