/** Owns what `slotline check` prints of its judgements: their text for people and their JSON. Does not judge anything. */
import type { Judgement, JudgementStatus } from '../../pipeline/judgements/judgement.ts';

export type CheckReport = {
  readonly connector: string;
  readonly ok: boolean;
  readonly items: readonly Judgement[];
};

export function makeReport(connector: string, items: readonly Judgement[]): CheckReport {
  const shown = items.map(({ start: _, ...item }) => item);
  return { connector, ok: items.every(({ status }) => status !== 'fail'), items: shown };
}

const MARKS: Readonly<Record<JudgementStatus, string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skipped: '-   ' };

/** The items are in the order of the way from PostgreSQL to Kafka; failures keep their place in it. */
export function printReport(report: CheckReport): string {
  const lines = [`Connector ${report.connector}`];
  for (const item of report.items) {
    const where = item.where === undefined ? '' : ` (${item.where})`;
    const code = item.code === undefined ? '' : ` [${item.code}]`;
    lines.push(`  ${MARKS[item.status]} ${item.what}${where}${code}`);
    const mends = item.status === 'ok' || item.status === 'skipped' ? [] : mendLines(item);
    for (const mend of mends) lines.push(`         ${mend}`);
  }
  lines.push(summary(report));
  return `${lines.join('\n')}\n`;
}

function mendLines(item: Judgement): readonly string[] {
  const sql = item.sql?.map((statement) => `${statement};`) ?? [];
  return item.remedy === undefined ? sql : [item.remedy, ...sql];
}

function summary(report: CheckReport): string {
  const count = (status: JudgementStatus): number => report.items.filter((item) => item.status === status).length;
  const counts = `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`;
  const skips = count('skipped');
  return `${report.ok ? 'Ready' : 'Not ready'}: ${counts}${skips === 0 ? '' : `, ${skips} not tried`}.`;
}
