/**
 * Owns what database.sslmode and the ssl* files mean: which connections are tried in which order, and what TLS verifies.
 * Does not open a socket (transport.ts).
 *
 * Semantics are libpq's (PostgreSQL manual, "SSL Support"): with a root certificate given every TLS connection verifies
 * the chain, whatever the mode; only verify-full compares the host name. Files are PEM; a key may also be PKCS-8 DER, or
 * key and certificate one PKCS-12 file, for these are what pgjdbc takes and so what Debezium configurations name.
 */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { SlotlineError } from '../../core/errors.ts';
import type { DatabaseOptions, SslMode } from '../../core/options.ts';

/** `offered`: TLS if the server has it, else plain on the same connection. */
export type Encryption = 'plain' | 'offered' | 'tls';

const ATTEMPTS: Readonly<Record<SslMode, readonly Encryption[]>> = {
  disable: ['plain'],
  allow: ['plain', 'tls'],
  prefer: ['offered', 'plain'],
  require: ['tls'],
  'verify-ca': ['tls'],
  'verify-full': ['tls'],
};

/** A Unix socket never carries TLS, as in libpq. */
export function encryptionAttempts(options: DatabaseOptions): readonly Encryption[] {
  return isSocketFolder(options.hostname) ? ['plain'] : ATTEMPTS[options.sslMode];
}

export function isSocketFolder(hostname: string): boolean {
  return hostname.startsWith('/') || hostname.startsWith('@');
}

/** What `tls.connect` is given besides the socket. Throws `pg_tls_failed` for a file that cannot be read or is no certificate. */
export async function tlsOptions(options: DatabaseOptions): Promise<ConnectionOptions> {
  const { sslMode, sslRootCert } = options;
  const verifies = sslMode === 'verify-ca' || sslMode === 'verify-full';
  if (verifies && sslRootCert === undefined) {
    const remedy = 'name the file of the CA, or `system` for the CAs that come with Node';
    throw tlsError(options, `database.sslmode=${sslMode} needs database.sslrootcert: ${remedy}`);
  }
  if (sslRootCert === 'system' && sslMode !== 'verify-full') {
    throw tlsError(options, 'database.sslrootcert=system needs database.sslmode=verify-full: anyone can have a certificate of a public CA');
  }
  return {
    rejectUnauthorized: sslRootCert !== undefined,
    ...(sslRootCert === undefined || sslRootCert === 'system' ? {} : { ca: await readPem(options, 'database.sslrootcert', sslRootCert) }),
    ...(sslMode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(await clientCertificate(options)),
  };
}

async function clientCertificate(options: DatabaseOptions): Promise<ConnectionOptions> {
  const { sslCert, sslKey, sslPassword } = options;
  const passphrase = sslPassword === undefined ? {} : { passphrase: sslPassword };
  if (sslKey !== undefined && /\.(?:p12|pfx)$/i.test(sslKey)) {
    return { pfx: await read(options, 'database.sslkey', sslKey), ...passphrase };
  }
  if (sslCert === undefined && sslKey === undefined) return {};
  if (sslCert === undefined || sslKey === undefined) {
    throw tlsError(options, 'database.sslcert and database.sslkey are needed together');
  }
  const cert = await readPem(options, 'database.sslcert', sslCert);
  const key = await read(options, 'database.sslkey', sslKey);
  if (key.includes('-----BEGIN')) return { cert, key, ...passphrase };
  return { cert, key: pemOfDerKey(options, key) };
}

function pemOfDerKey(options: DatabaseOptions, key: Buffer): string {
  const { sslPassword } = options;
  try {
    const parsed = createPrivateKey({
      key,
      format: 'der',
      type: 'pkcs8',
      ...(sslPassword === undefined ? {} : { passphrase: sslPassword }),
    });
    return parsed.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch {
    // The cause is left out: it may hold the passphrase's length or bytes of the key.
    throw tlsError(options, 'database.sslkey is neither PEM, PKCS-8 DER nor PKCS-12, or database.sslpassword is wrong');
  }
}

async function readPem(options: DatabaseOptions, property: string, path: string): Promise<Buffer> {
  const bytes = await read(options, property, path);
  if (!bytes.includes('-----BEGIN')) throw tlsError(options, `${property} is not a PEM file: ${path}`);
  return bytes;
}

async function read(options: DatabaseOptions, property: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw tlsError(options, `${property} cannot be read: ${reason}`);
  }
}

function tlsError(options: DatabaseOptions, message: string): SlotlineError {
  return new SlotlineError('pg_tls_failed', { host: options.hostname, port: options.port, message });
}
