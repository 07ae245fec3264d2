/** Owns which certificates the tests of PostgreSQL's TLS need: a CA, a server certificate for `localhost`, client certificates. */
import { CertificateFolder } from './openssl.ts';

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
  const certificates = new CertificateFolder(folder);
  const at = (name: string): string => certificates.file(name);
  certificates.authority('ca');
  certificates.authority('other-ca');
  certificates.issue('server', { cn: 'localhost', by: 'ca', extension: 'subjectAltName=DNS:localhost' });
  certificates.issue('client', { cn: clientName, by: 'ca', extension: 'extendedKeyUsage=clientAuth' });
  const key = ['-topk8', '-in', 'client.key'];
  certificates.openssl('pkcs8', ...key, '-passout', `pass:${PASSPHRASE}`, '-out', 'client.encrypted.key');
  certificates.openssl('pkcs8', ...key, '-nocrypt', '-outform', 'DER', '-out', 'client.pk8');
  const pair = ['-in', 'client.crt', '-inkey', 'client.key'];
  certificates.openssl('pkcs12', '-export', ...pair, '-passout', `pass:${PASSPHRASE}`, '-out', 'client.p12');
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
