/**
 * Owns where an OAUTHBEARER token comes from: the fixed one, or the client-credentials grant (RFC 6749 §4.4) fetched anew for each
 * connection unless the last one is still fresh. Does not own the SASL exchange. Tokens and secrets never reach an error.
 */
import { SlotlineError } from '../core/errors.ts';
import type { SaslOptions } from '../core/options.ts';

const FETCH_TIMEOUT_MS = 10_000;
/** A token is used again only while at least this share of its lifetime is left, so that it does not expire during a slow login. */
const FRESH_SHARE = 0.2;

export function oauthTokenSource(options: SaslOptions): () => Promise<string> {
  const { token, oauthTokenEndpointUrl } = options;
  if (oauthTokenEndpointUrl === undefined) return async () => token ?? '';
  let cached: { token: string; freshUntilMs: number } | undefined;
  return async () => {
    if (cached !== undefined && performance.now() < cached.freshUntilMs) return cached.token;
    const grant = await fetchToken(oauthTokenEndpointUrl, options);
    cached = { token: grant.token, freshUntilMs: performance.now() + grant.lifetimeMs * (1 - FRESH_SHARE) };
    return grant.token;
  };
}

async function fetchToken(url: string, options: SaslOptions): Promise<{ token: string; lifetimeMs: number }> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (options.oauthScope !== undefined) form.set('scope', options.oauthScope);
  const login = Buffer.from(`${encodeURIComponent(options.oauthClientId ?? '')}:${encodeURIComponent(options.oauthClientSecret ?? '')}`);
  const headers = { accept: 'application/json', authorization: `Basic ${login.toString('base64')}` };
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', headers, body: form, signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  } catch (cause) {
    throw new SlotlineError(
      'kafka_unreachable',
      { tokenEndpoint: endpointOf(url), reason: 'the token endpoint does not answer' },
      { cause },
    );
  }
  if (!response.ok) {
    await response.body?.cancel();
    const code = response.status >= 500 ? 'kafka_unreachable' : 'kafka_authentication_failed';
    throw new SlotlineError(code, {
      tokenEndpoint: endpointOf(url),
      status: response.status,
      reason: 'the token endpoint refused the client',
    });
  }
  const grant: unknown = await response.json().catch(() => undefined);
  if (!isGrant(grant)) {
    throw new SlotlineError('kafka_authentication_failed', {
      tokenEndpoint: endpointOf(url),
      reason: 'the token endpoint sent no access_token',
    });
  }
  return { token: grant.access_token, lifetimeMs: Math.max(0, grant.expires_in ?? 0) * 1000 };
}

type Grant = { access_token: string; expires_in?: number };

function isGrant(value: unknown): value is Grant {
  if (typeof value !== 'object' || value === null || !('access_token' in value)) return false;
  if (typeof value.access_token !== 'string') return false;
  return !('expires_in' in value) || typeof value.expires_in === 'number';
}

/** The address without user info and query, which may hold a secret. */
function endpointOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
