/**
 * Owns secrets that change while a connector runs: the files of `${file:…}` and `${dir:…}` are read again for each attempt, and
 * the login of PostgreSQL for each connection. Everything else stays as it was at the start. Does not own substitution: environment.ts.
 */
import type { ConverterOptions, DatabaseOptions, TaskOptions } from '../../core/options.ts';
import type { ResolveResult } from './resolve.ts';

/** The task's options with the secrets of now. Where they cannot be had, such as in the middle of a rotation, those of before. */
export type SecretReader = () => TaskOptions;

export function secretReader(first: TaskOptions, again: (() => ResolveResult) | undefined): SecretReader {
  if (again === undefined) return () => first;
  let last = first;
  const read = (): TaskOptions => {
    const result = again();
    if (result.tag === 'resolved') last = withSecretsOf(first, result.options);
    return last;
  };
  return () => {
    const options = read();
    return { ...options, database: readAtEachLogin(options.database, () => read().database) };
  };
}

/** The login's fields become getters, so that `openSession` reads the present values when it logs in. */
function readAtEachLogin(database: DatabaseOptions, read: () => DatabaseOptions): DatabaseOptions {
  return {
    ...database,
    get user() {
      return read().user;
    },
    get password() {
      return read().password;
    },
    get sslPassword() {
      return read().sslPassword;
    },
  };
}

function withSecretsOf(first: TaskOptions, now: TaskOptions): TaskOptions {
  const { user, password, sslPassword } = now.database;
  const { sasl, tlsCaPem, tlsCertPem, tlsKeyPem, tlsKeyPassword } = now.kafka;
  return {
    ...first,
    database: { ...first.database, user, password, sslPassword },
    kafka: { ...first.kafka, sasl, tlsCaPem, tlsCertPem, tlsKeyPem, tlsKeyPassword },
    keyConverter: withRegistryOf(first.keyConverter, now.keyConverter),
    valueConverter: withRegistryOf(first.valueConverter, now.valueConverter),
  };
}

function withRegistryOf(first: ConverterOptions, now: ConverterOptions): ConverterOptions {
  return 'registry' in first && 'registry' in now ? { ...first, registry: now.registry } : first;
}
