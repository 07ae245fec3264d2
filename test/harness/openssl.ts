/**
 * Owns certificates made by the openssl program in a folder: authorities, what they sign, keys in other forms. Which ones a test
 * needs is the test's: certificates.ts for PostgreSQL, test/kafka/certificates.ts for brokers.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Identity = { readonly certPem: string; readonly keyPem: string };

const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];

export class CertificateFolder {
  readonly path: string;

  constructor(path: string) {
    mkdirSync(path, { recursive: true });
    this.path = path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.path, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** `name`.crt and `name`.key. */
  authority(name: string): void {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
    this.openssl('req', '-x509', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.crt`, ...subject);
  }

  /** `name`.crt, signed by an authority of this folder, and `name`.key; `extension` as openssl's -extfile has it. */
  issue(name: string, o: { readonly cn: string; readonly by: string; readonly extension: string }): Identity {
    writeFileSync(this.file(`${name}.ext`), `${o.extension}\n`);
    this.openssl('req', '-new', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${o.cn}`);
    const signed = ['-CA', `${o.by}.crt`, '-CAkey', `${o.by}.key`, '-CAcreateserial', '-extfile', `${name}.ext`];
    this.openssl('x509', '-req', '-days', '2', '-in', `${name}.csr`, ...signed, '-out', `${name}.crt`);
    return { certPem: this.read(`${name}.crt`), keyPem: this.read(`${name}.key`) };
  }
}
