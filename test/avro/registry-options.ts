/** Owns short ways for tests to ask a registry. */
import type { SlotlineError } from '../../src/core/errors.ts';
import type { RegistryOptions } from '../../src/core/options.ts';
import { SchemaRegistry } from '../../src/registry/schema-registry.ts';

export function registryOptions(urls: readonly string[], changes: Partial<RegistryOptions> = {}): RegistryOptions {
  return {
    urls,
    basicAuth: undefined,
    bearerToken: undefined,
    tls: { caPem: undefined, certPem: undefined, keyPem: undefined, keyPassword: undefined, verifyHostname: true },
    requestTimeoutMs: 10_000,
    retryForMs: 0,
    cacheMax: 100,
    normalizeSchemas: false,
    ...changes,
  };
}

/** Pauses are the shortest. */
export function openRegistry(options: RegistryOptions, retries: SlotlineError[] = []): SchemaRegistry {
  return new SchemaRegistry(options, { random: () => 0, onRetry: (error) => void retries.push(error), onAnswered: () => {} });
}
