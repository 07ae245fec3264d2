/** Owns the option rows for the connection to PostgreSQL. Does not own the slot and publication: slot.ts. */

import { isIPv6 } from 'node:net';
import { BOOLEAN, CLASS, honoured, integer, long, noEffect, notYet, type OptionSpec, oneOf, SECRET, SQL } from './option-spec.ts';

export const DATABASE_OPTIONS: readonly OptionSpec[] = [
  honoured({
    name: 'database.hostname',
    required: true,
    why: 'There is no sensible default.',
    doc: 'Host name, IPv4 or IPv6 literal (with or without brackets), or the absolute path of the folder that holds the Unix socket.',
    check: checkHostname,
  }),
  honoured({ name: 'database.port', kind: integer(1, 65535), default: '5432', why: "PostgreSQL's own port.", doc: 'Port of the server; also part of the name of a Unix socket.' }),
  honoured({ name: 'database.user', required: true, why: 'There is no sensible default.', doc: 'Login role; it needs REPLICATION and, for snapshots, SELECT on the captured tables.' }),
  honoured({ name: 'database.password', kind: SECRET, why: 'Trust, peer and certificate logins need none.', doc: 'Password of the role.' }),
  honoured({ name: 'database.dbname', required: true, why: 'A slot belongs to one database.', doc: 'The database that is captured.' }),
  honoured({
    name: 'database.connection.timeout.ms',
    kind: integer(1),
    unit: 'ms',
    default: '10000',
    why: 'A server that has not answered for ten seconds is not reachable; the attempt is repeated anyway.',
    differs: 'Debezium: 600000, the wait for a connection of its JDBC pool. Here it bounds one attempt to connect.',
    doc: 'How long one attempt to connect and log in may take.',
  }),
  honoured({ name: 'database.query.timeout.ms', kind: integer(0), unit: 'ms', default: '600000', why: "Debezium's.", doc: 'How long a query on an ordinary connection may take; 0: no limit.' }),
  honoured({
    name: 'database.initial.statements',
    kind: SQL,
    why: 'Most servers need none.',
    doc: 'SQL statements, separated by `;` (`;;` is a literal semicolon), run on each new ordinary connection, not on the replication connection.',
  }),
  honoured({ name: 'database.tcpKeepAlive', kind: BOOLEAN, default: 'true', why: "Debezium's; a dead peer is noticed sooner.", doc: 'TCP keep-alive on every connection.' }),
  honoured({
    name: 'database.sslmode',
    kind: oneOf('disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'),
    default: 'prefer',
    why: "libpq's and Debezium's.",
    doc: 'TLS: `disable` never; `allow` only if the server insists; `prefer` if it can; `require` always, without checking the certificate; `verify-ca` checks its issuer; `verify-full` also the host name.',
  }),
  honoured({ name: 'database.sslcert', why: 'Needed for certificate logins only.', doc: 'Path of the client certificate (PEM).' }),
  honoured({ name: 'database.sslkey', why: 'Needed for certificate logins only.', doc: 'Path of the client key (PEM; the PKCS-8 DER form of the JDBC driver is converted with `openssl pkcs8 -inform der`).' }),
  honoured({ name: 'database.sslpassword', kind: SECRET, why: 'Needed for encrypted keys only.', doc: 'Passphrase of the client key.' }),
  honoured({ name: 'database.sslrootcert', why: 'Needed for verify-ca and verify-full with a private issuer.', doc: 'Path of the certificates of the trusted issuers (PEM).' }),
  notYet({ name: 'database.sslfactory', kind: CLASS, reason: 'A Java class cannot run here; use database.sslrootcert, database.sslcert and database.sslkey.', doc: 'JDBC socket factory class.' }),
  notYet({
    name: 'database.connection.factory.class',
    kind: CLASS,
    reason: 'A Java class cannot run here; logins with cloud IAM tokens are not supported yet.',
    doc: 'Class that makes connections, such as the one for AWS IAM.',
  }),
  noEffect({ name: 'connection.validation.timeout.ms', silent: 'always', kind: long(1), unit: 'ms', default: '60000', reason: '`slotline check` bounds each of its steps itself.', doc: 'Bound on the validation of a new connector.' }),
  noEffect({ name: 'read.only', silent: 'always', kind: BOOLEAN, default: 'false', reason: 'Slotline writes nothing to captured databases except its slot and publication.', doc: 'No watermark writes by incremental snapshots.' }),
  noEffect({ name: 'query.fetch.size', silent: 'always', kind: integer(0), unit: 'records', default: '0', reason: 'There is no JDBC cursor.', doc: 'JDBC fetch size while streaming.' }),
  noEffect({
    name: 'driver.<property>',
    reason: 'There is no JDBC driver.',
    doc: 'Properties of the JDBC driver. Those about login and encryption are refused: write the `database.*` option instead.',
  }),
  noEffect({
    name: 'database.<property>',
    reason: 'There is no JDBC driver.',
    doc: 'Any further property of the JDBC driver, treated as `driver.<property>`.',
  }),
];

/** A host name as Debezium takes it, an IPv6 literal, or the absolute path of a socket folder. */
function checkHostname(value: string): string | undefined {
  if (value.startsWith('/')) return undefined;
  if (value.includes(',')) return 'must be one host: lists of hosts are not supported';
  const bare = value.startsWith('[') && value.endsWith(']') ? value.slice(1, -1) : value;
  if (isIPv6(bare)) return undefined;
  return /^[A-Za-z0-9_.-]+$/.test(value) ? undefined : 'must be a host name, an IP address or the absolute path of a Unix socket folder';
}

/** Properties of the JDBC driver that decide who logs in, where to and how encrypted: ignoring one may expose data. */
const REFUSED_DRIVER_PROPERTIES = /^(user|password|pg(host|port|dbname)|ssl|ssl(factoryarg|hostnameverifier|passwordcallback|negotiation)|channelBinding|requireAuth|gss.*|jaas.*|kerberos.*|authenticationPluginClassName|socketFactory.*|targetServerType|localSocketAddress|service)$/i;

/** Why a property of the JDBC driver (named without its prefix) is refused, or undefined where it has no effect. */
export function driverPropertyProblem(property: string): string | undefined {
  const own = DATABASE_OPTIONS.find((spec) => spec.name.toLowerCase() === `database.${property}`.toLowerCase());
  if (own !== undefined) return `is a property of the JDBC driver: write it as ${own.name}`;
  if (!REFUSED_DRIVER_PROPERTIES.test(property)) return undefined;
  return 'is a property of the JDBC driver about login or encryption, which Slotline does not read: use the database.* options';
}
