/** Owns certificates for tests, made by the openssl program: a CA, a server certificate for `localhost`, client certificates. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Certificates = {
  readonly caFile: string;
  /** A CA that signed nothing here. */
  readonly otherCaFile: string;
  /** For localhost only: neither 127.0.0.1 nor another name. */
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** The client's key encrypted by `passphrase`. */
  readonly encryptedKeyFile: string;
  /** The client's key as PKCS-8 DER, as pgjdbc wants it. */
  readonly derKeyFile: string;
  /** Key and certificate as PKCS-12, encrypted by `passphrase`. */
  readonly p12File: string;
  readonly passphrase: string;
};

const PASSPHRASE = 'open sesame';

/** `clientName` is the common name of the client certificate: the role of PostgreSQL's `cert` login. */
export function makeCertificates(folder: string, clientName: string): Certificates {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const authority = (name: string): void => {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.crt`),
      ...subject,
    );
  };
  const signed = (name: string, subject: string, extension: string): void => {
    openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', subject);
    writeFileSync(at(`${name}.ext`), extension);
    const issuer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'];
    openssl('x509', '-req', '-days', '2', '-in', at(`${name}.csr`), ...issuer, '-extfile', at(`${name}.ext`), '-out', at(`${name}.crt`));
  };
  authority('ca');
  authority('other-ca');
  signed('server', '/CN=localhost', 'subjectAltName=DNS:localhost\n');
  signed('client', `/CN=${clientName}`, 'extendedKeyUsage=clientAuth\n');
  const key = ['-topk8', '-in', at('client.key')];
  openssl('pkcs8', ...key, '-passout', `pass:${PASSPHRASE}`, '-out', at('client.encrypted.key'));
  openssl('pkcs8', ...key, '-nocrypt', '-outform', 'DER', '-out', at('client.pk8'));
  const pair = ['-in', at('client.crt'), '-inkey', at('client.key')];
  openssl('pkcs12', '-export', ...pair, '-passout', `pass:${PASSPHRASE}`, '-out', at('client.p12'));
  return {
    caFile: at('ca.crt'),
    otherCaFile: at('other-ca.crt'),
    serverCertFile: at('server.crt'),
    serverKeyFile: at('server.key'),
    clientCertFile: at('client.crt'),
    clientKeyFile: at('client.key'),
    encryptedKeyFile: at('client.encrypted.key'),
    derKeyFile: at('client.pk8'),
    p12File: at('client.p12'),
    passphrase: PASSPHRASE,
  };
}
