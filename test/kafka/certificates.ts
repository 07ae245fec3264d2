/** Owns certificates for the TLS tests, made by the openssl command line in a folder of its own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Identity = { readonly certPem: string; readonly keyPem: string };
export type Certificates = {
  readonly caPem: string;
  /** For localhost and 127.0.0.1. */
  readonly server: Identity;
  /** For another host. */
  readonly otherHost: Identity;
  /** CN=slotline. */
  readonly client: Identity;
  /** The client's key under KEY_PASSWORD. */
  readonly encryptedKeyPem: string;
  /** An authority that signed none of these. */
  readonly strangerPem: string;
  /** CN=slotline by that authority. */
  readonly strangerClient: Identity;
};

export const KEY_PASSWORD = 'key-password';

export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const authority = (name: string): void =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    );
  const issue = (name: string, o: { cn: string; by: string; san?: string }): Identity => {
    writeFileSync(join(folder, `${name}.ext`), o.san === undefined ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${o.san}\n`);
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${o.cn}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const signed = ['-CA', `${o.by}.crt`, '-CAkey', `${o.by}.key`, '-CAcreateserial', '-extfile', `${name}.ext`];
    openssl('x509', '-req', '-days', '2', '-in', `${name}.csr`, ...signed, '-out', `${name}.crt`);
    return { certPem: read(`${name}.crt`), keyPem: read(`${name}.key`) };
  };
  authority('ca');
  authority('stranger');
  const client = issue('client', { cn: 'slotline', by: 'ca' });
  openssl('pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-in', 'client.key', '-passout', `pass:${KEY_PASSWORD}`, '-out', 'client.enc.key');
  return {
    caPem: read('ca.crt'),
    server: issue('server', { cn: 'localhost', by: 'ca', san: 'DNS:localhost,IP:127.0.0.1' }),
    otherHost: issue('other', { cn: 'elsewhere.example', by: 'ca', san: 'DNS:elsewhere.example' }),
    client,
    encryptedKeyPem: read('client.enc.key'),
    strangerPem: read('stranger.crt'),
    strangerClient: issue('strangerclient', { cn: 'slotline', by: 'stranger' }),
  };
}
