/** A session whose answers a test gives, by what the SQL contains. What PostgreSQL answers is in the tests with servers. */
import { SlotlineError } from '../../src/core/errors.ts';
import type { PgSession } from '../../src/postgres/session/open-session.ts';

/** The first whose text is in the SQL; rows as PostgreSQL's driver gives them. */
type Answer = { readonly to: string; readonly rows: () => readonly Readonly<Record<string, unknown>>[] };

export type AnsweringSession = PgSession & {
  /** What was asked, in order. */
  readonly asked: readonly string[];
};

export function answeringSession(answers: readonly Answer[]): AnsweringSession {
  const asked: string[] = [];
  const refuse = (): never => {
    throw new Error('a session that only answers queries');
  };
  return {
    asked,
    serverMajor: 18,
    parameters: new Map(),
    processId: 4711,
    encrypted: false,
    address: { host: 'localhost', port: 5432, database: 'd', user: 'u' },
    async query<Row>(sql: string): Promise<Row[]> {
      asked.push(sql);
      const answer = answers.find(({ to }) => sql.includes(to));
      if (answer === undefined) throw new SlotlineError('pg_query_failed', { message: `no answer to ${sql}` });
      // As of the driver: nobody checks what SQL gives.
      return [...answer.rows()] as Row[];
    },
    simple: async () => refuse(),
    columnsOf: async () => refuse(),
    onLost: () => {},
    takeOver: refuse,
    write: refuse,
    resumeReading: refuse,
    destroy: () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
