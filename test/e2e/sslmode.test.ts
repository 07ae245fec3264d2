/**
 * Owns the table of database.sslmode against real servers, with TLS and without, each row that connects with one that
 * must not. The roles decide by pg_hba.conf which encryption the server takes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SlotlineError } from '../../src/core/errors.ts';
import type { DatabaseOptions } from '../../src/core/options.ts';
import { openSession } from '../../src/postgres/session/open-session.ts';
import { type Certificates, makeCertificates } from '../harness/certificates.ts';
import { databaseOptions } from '../harness/database-options.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { giveToUnprivileged, removeTemporaryFolder, temporaryFolder } from '../harness/process.ts';
import { until } from '../harness/until.ts';

const ROLES = ['tls_only', 'plain_only', 'either', 'by_cert'];
const ROLE_PASSWORD = 'role-secret';
const HBA = [
  'hostssl all tls_only localhost scram-sha-256',
  'host all tls_only localhost reject',
  'hostnossl all plain_only localhost scram-sha-256',
  'host all plain_only localhost reject',
  'hostssl all by_cert localhost cert',
  'host all by_cert localhost reject',
];

type Outcome = 'tls' | 'plain' | 'pg_tls_failed' | 'pg_authentication_failed';
type Row = {
  readonly mode: DatabaseOptions['sslMode'];
  readonly server: 'tls' | 'no tls';
  readonly role: string;
  readonly outcome: Outcome;
  readonly why?: string;
  readonly set?: (files: Certificates) => Partial<DatabaseOptions>;
};

const ca = (files: Certificates): Partial<DatabaseOptions> => ({ sslRootCert: files.caFile });
const otherCa = (files: Certificates): Partial<DatabaseOptions> => ({ sslRootCert: files.otherCaFile });
const wrongPassword = (): Partial<DatabaseOptions> => ({ password: 'wrong' });
const byAddress = (files: Certificates): Partial<DatabaseOptions> => ({ ...ca(files), hostname: '127.0.0.1' });

const TABLE: readonly Row[] = [
  { mode: 'disable', server: 'tls', role: 'either', outcome: 'plain' },
  { mode: 'disable', server: 'no tls', role: 'either', outcome: 'plain' },
  { mode: 'disable', server: 'tls', role: 'tls_only', outcome: 'pg_authentication_failed' },

  { mode: 'allow', server: 'tls', role: 'either', outcome: 'plain' },
  { mode: 'allow', server: 'tls', role: 'tls_only', outcome: 'tls', why: 'the plain attempt is refused' },
  { mode: 'allow', server: 'no tls', role: 'either', outcome: 'plain' },
  { mode: 'allow', server: 'no tls', role: 'tls_only', outcome: 'pg_authentication_failed' },
  { mode: 'allow', server: 'tls', role: 'tls_only', outcome: 'pg_tls_failed', why: 'another CA', set: otherCa },
  { mode: 'allow', server: 'tls', role: 'either', outcome: 'pg_authentication_failed', why: 'wrong password', set: wrongPassword },

  { mode: 'prefer', server: 'tls', role: 'either', outcome: 'tls' },
  { mode: 'prefer', server: 'no tls', role: 'either', outcome: 'plain' },
  { mode: 'prefer', server: 'tls', role: 'plain_only', outcome: 'plain', why: 'the TLS attempt is refused' },
  { mode: 'prefer', server: 'tls', role: 'either', outcome: 'plain', why: 'the handshake fails for another CA', set: otherCa },
  { mode: 'prefer', server: 'no tls', role: 'tls_only', outcome: 'pg_authentication_failed' },
  { mode: 'prefer', server: 'tls', role: 'either', outcome: 'pg_authentication_failed', why: 'wrong password', set: wrongPassword },

  { mode: 'require', server: 'tls', role: 'either', outcome: 'tls', why: 'no CA is given: nothing is verified' },
  { mode: 'require', server: 'tls', role: 'either', outcome: 'tls', why: 'the CA is given', set: byAddress },
  { mode: 'require', server: 'tls', role: 'either', outcome: 'pg_tls_failed', why: 'another CA', set: otherCa },
  { mode: 'require', server: 'no tls', role: 'either', outcome: 'pg_tls_failed' },
  { mode: 'require', server: 'tls', role: 'plain_only', outcome: 'pg_authentication_failed' },

  { mode: 'verify-ca', server: 'tls', role: 'either', outcome: 'tls', set: ca },
  { mode: 'verify-ca', server: 'tls', role: 'either', outcome: 'tls', why: 'the name is not compared', set: byAddress },
  { mode: 'verify-ca', server: 'tls', role: 'either', outcome: 'pg_tls_failed', why: 'another CA', set: otherCa },
  { mode: 'verify-ca', server: 'tls', role: 'either', outcome: 'pg_tls_failed', why: 'no CA' },
  { mode: 'verify-ca', server: 'no tls', role: 'either', outcome: 'pg_tls_failed', set: ca },

  { mode: 'verify-full', server: 'tls', role: 'either', outcome: 'tls', set: ca },
  { mode: 'verify-full', server: 'tls', role: 'either', outcome: 'pg_tls_failed', why: 'another name', set: byAddress },
  { mode: 'verify-full', server: 'tls', role: 'either', outcome: 'pg_tls_failed', why: 'another CA', set: otherCa },
  {
    mode: 'verify-full',
    server: 'tls',
    role: 'either',
    outcome: 'pg_tls_failed',
    why: 'no public CA signed it',
    set: () => ({ sslRootCert: 'system' }),
  },
  { mode: 'verify-full', server: 'no tls', role: 'either', outcome: 'pg_tls_failed', set: ca },
];

const CLIENT_CERTIFICATES: readonly { readonly what: string; readonly outcome: Outcome; readonly set: NonNullable<Row['set']> }[] = [
  { what: 'a PEM key', outcome: 'tls', set: (f) => ({ sslCert: f.clientCertFile, sslKey: f.clientKeyFile }) },
  {
    what: 'an encrypted PEM key',
    outcome: 'tls',
    set: (f) => ({ sslCert: f.clientCertFile, sslKey: f.encryptedKeyFile, sslPassword: f.passphrase }),
  },
  { what: 'a PKCS-8 DER key', outcome: 'tls', set: (f) => ({ sslCert: f.clientCertFile, sslKey: f.derKeyFile }) },
  { what: 'a PKCS-12 file', outcome: 'tls', set: (f) => ({ sslKey: f.p12File, sslPassword: f.passphrase }) },
  { what: 'no client certificate', outcome: 'pg_authentication_failed', set: () => ({}) },
  {
    what: 'a wrong passphrase',
    outcome: 'pg_tls_failed',
    set: (f) => ({ sslCert: f.clientCertFile, sslKey: f.encryptedKeyFile, sslPassword: 'wrong-passphrase' }),
  },
  { what: 'a certificate without its key', outcome: 'pg_tls_failed', set: (f) => ({ sslCert: f.clientCertFile }) },
  { what: 'a file that is not there', outcome: 'pg_tls_failed', set: (f) => ({ sslCert: '/nonexistent', sslKey: f.clientKeyFile }) },
  { what: 'a file that is no PEM', outcome: 'pg_tls_failed', set: (f) => ({ sslCert: f.p12File, sslKey: f.clientKeyFile }) },
];

async function outcomeOf(options: DatabaseOptions, replication: boolean): Promise<string> {
  try {
    await using session = await openSession(options, { applicationName: 'sslmode test', replication });
    const rows = await session.simple('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    const seenByServer = rows[0]?.ssl === 't' ? 'tls' : 'plain';
    return seenByServer === (session.encrypted ? 'tls' : 'plain') ? seenByServer : 'the two ends disagree';
  } catch (error) {
    if (!(error instanceof SlotlineError)) throw error;
    const shown = `${error.message} ${JSON.stringify(error.details)}`;
    return /role-secret|open sesame|wrong-passphrase/.test(shown) ? 'a secret is shown' : error.code;
  }
}

for (const major of [14, 18] as const) {
  describe(`sslmode against PostgreSQL ${major}`, () => {
    let folder: string;
    let files: Certificates;
    const servers = new Map<Row['server'], PostgresServer>();

    beforeAll(async () => {
      folder = temporaryFolder('certificates', { unprivileged: true });
      files = makeCertificates(folder, 'by_cert');
      giveToUnprivileged(files.serverKeyFile);
      const tls = { ssl: 'on', ssl_cert_file: files.serverCertFile, ssl_key_file: files.serverKeyFile, ssl_ca_file: files.caFile };
      const listen = { listen_addresses: 'localhost' };
      const [withTls, without] = await Promise.all([
        startPostgres({ major, settings: { ...listen, ...tls }, hbaLines: HBA }),
        startPostgres({ major, settings: listen, hbaLines: HBA.filter((line) => !line.startsWith('hostssl')) }),
      ]);
      servers.set('tls', withTls);
      servers.set('no tls', without);
      for (const server of servers.values()) {
        for (const role of ROLES) {
          await server.query('postgres', `create role ${role} login replication password '${ROLE_PASSWORD}'`);
        }
      }
    });
    afterAll(async () => {
      for (const server of servers.values()) await server[Symbol.asyncDispose]();
      await removeTemporaryFolder(folder);
    });

    const optionsOf = (row: Pick<Row, 'mode' | 'server' | 'role' | 'set'>): DatabaseOptions => {
      const server = servers.get(row.server);
      if (server === undefined) throw new Error('the server is not up');
      const login = { hostname: 'localhost', user: row.role, password: ROLE_PASSWORD, sslMode: row.mode };
      return databaseOptions(server, 'postgres', { ...login, ...row.set?.(files) });
    };

    for (const row of TABLE) {
      const why = row.why === undefined ? '' : ` (${row.why})`;
      it(`${row.mode} to a server with ${row.server} as ${row.role}${why}: ${row.outcome}`, async () => {
        expect(await outcomeOf(optionsOf(row), false)).toBe(row.outcome);
        expect(await outcomeOf(optionsOf(row), true)).toBe(row.outcome);
      });
    }

    for (const { what, outcome, set } of CLIENT_CERTIFICATES) {
      it(`a login by certificate with ${what}: ${outcome}`, async () => {
        const row: Row = { mode: 'verify-full', server: 'tls', role: 'by_cert', outcome, set: (f) => ({ ...ca(f), ...set(f) }) };
        expect(await outcomeOf(optionsOf(row), false)).toBe(outcome);
      });
    }

    it('streams through TLS into the memory of a session’s new owner, with pauses', async () => {
      const options = optionsOf({ mode: 'verify-full', server: 'tls', role: 'either', set: ca });
      const session = await openSession(options, { applicationName: 'sslmode test' });
      const room = Buffer.alloc(1000);
      let bytes = 0;
      let tail = '';
      session.takeOver({
        room: () => room,
        received: (count) => {
          bytes += count;
          tail = (tail + room.toString('latin1', Math.max(0, count - 6), count)).slice(-6);
          // Pauses after every read, so that held back bytes are tried too.
          setImmediate(() => session.resumeReading());
          return false;
        },
        onClosed: () => undefined,
      });
      const sql = Buffer.from("select repeat('x', 1000) from generate_series(1, 2000)\0");
      const head = Buffer.from([0x51, 0, 0, 0, sql.length + 4]);
      session.write(Buffer.concat([head, sql]));
      await until('all rows', async () => bytes > 2_000_000 && tail.endsWith('Z\0\0\0\x05I'), { timeoutMs: 20_000 });
      session.destroy();
    });
  });
}
