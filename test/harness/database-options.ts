/** Owns the database options of a test: superuser over TCP without TLS, unless overridden. */
import type { DatabaseOptions } from '../../src/core/options.ts';
import type { PostgresHandle } from './postgres.ts';

export function databaseOptions(server: PostgresHandle, dbname: string, overrides: Partial<DatabaseOptions> = {}): DatabaseOptions {
  return {
    hostname: server.host,
    port: server.port,
    user: server.superuser,
    password: server.password,
    dbname,
    sslMode: 'disable',
    sslCert: undefined,
    sslKey: undefined,
    sslPassword: undefined,
    sslRootCert: undefined,
    tcpKeepAlive: true,
    initialStatements: [],
    connectTimeoutMs: 10_000,
    queryTimeoutMs: 30_000,
    ...overrides,
  };
}
