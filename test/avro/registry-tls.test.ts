/** The registry client over TLS: PEM certificates, mutual login, host names. The registry is a server on loopback with certificates of openssl. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RegistryOptions } from '../../src/core/options.ts';
import { type Certificates, makeCertificates } from '../harness/certificates.ts';
import { removeTemporaryFolder, temporaryFolder } from '../harness/process.ts';
import { openRegistry, registryOptions } from './registry-options.ts';

const { signal } = new AbortController();
const WANTED = { subject: 'shop.orders-value', schema: '{"type":"record","name":"Value","fields":[]}' };
let folder = '';
let certificates: Certificates;
let server: Server;
let port = 0;

beforeAll(async () => {
  folder = temporaryFolder('registry-tls');
  certificates = makeCertificates(folder, 'registry-client');
  const { caFile, serverCertFile, serverKeyFile } = certificates;
  const pem = { ca: readFileSync(caFile), cert: readFileSync(serverCertFile), key: readFileSync(serverKeyFile) };
  server = createServer({ ...pem, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    request.resume();
    response.end('{"id":7}');
  });
  await new Promise<void>((settle) => server.listen(0, settle));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((settle) => server.close(settle));
  await removeTemporaryFolder(folder);
});

async function register(host: string, tls: Partial<RegistryOptions['tls']>): Promise<unknown> {
  const { caFile, clientCertFile, clientKeyFile } = certificates;
  const pem = {
    caPem: readFileSync(caFile, 'utf8'),
    certPem: readFileSync(clientCertFile, 'utf8'),
    keyPem: readFileSync(clientKeyFile, 'utf8'),
  };
  const options = registryOptions([`https://${host}:${port}`], { tls: { ...pem, keyPassword: undefined, verifyHostname: true, ...tls } });
  await using client = openRegistry(options);
  return await client.register(WANTED, signal).catch((error: unknown) => error);
}

describe('a registry behind TLS', () => {
  it('is spoken to with the certificates that are given, and with an encrypted key', async () => {
    expect(await register('localhost', {})).toBe(7);
    const { encryptedKeyFile, passphrase } = certificates;
    expect(await register('localhost', { keyPem: readFileSync(encryptedKeyFile, 'utf8'), keyPassword: passphrase })).toBe(7);
  });

  it('is not trusted with a certificate of another authority or for another host, unless that is asked for', async () => {
    expect(await register('localhost', { caPem: readFileSync(certificates.otherCaFile, 'utf8') })).toMatchObject({
      code: 'registry_tls_failed',
    });
    expect(await register('127.0.0.1', {})).toMatchObject({ code: 'registry_tls_failed' });
    expect(await register('127.0.0.1', { verifyHostname: false })).toBe(7);
  });

  it('refuses who has no certificate', async () => {
    expect(await register('localhost', { certPem: undefined, keyPem: undefined })).toMatchObject({ code: 'registry_tls_failed' });
  });
});
