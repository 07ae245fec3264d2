/** Owns which certificates the tests of Kafka's TLS need. */
import { CertificateFolder, type Identity } from '../harness/openssl.ts';

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
  const certificates = new CertificateFolder(folder);
  const issue = (name: string, o: { cn: string; by: string; san?: string }): Identity => {
    const extension = o.san === undefined ? 'basicConstraints=CA:FALSE' : `subjectAltName=${o.san}`;
    return certificates.issue(name, { cn: o.cn, by: o.by, extension });
  };
  certificates.authority('ca');
  certificates.authority('stranger');
  const client = issue('client', { cn: 'slotline', by: 'ca' });
  const encrypted = ['-topk8', '-v2', 'aes-256-cbc', '-in', 'client.key', '-passout', `pass:${KEY_PASSWORD}`];
  certificates.openssl('pkcs8', ...encrypted, '-out', 'client.enc.key');
  return {
    caPem: certificates.read('ca.crt'),
    server: issue('server', { cn: 'localhost', by: 'ca', san: 'DNS:localhost,IP:127.0.0.1' }),
    otherHost: issue('other', { cn: 'elsewhere.example', by: 'ca', san: 'DNS:elsewhere.example' }),
    client,
    encryptedKeyPem: certificates.read('client.enc.key'),
    strangerPem: certificates.read('stranger.crt'),
    strangerClient: issue('strangerclient', { cn: 'slotline', by: 'stranger' }),
  };
}
