/**
 * Owns which message digests column.mask.hash.* may name: Java's names, in any case as Java takes them, and what Node calls
 * them. Does not hash.
 */

/** By the lower-case name of a Java 17 MessageDigest. */
const NODE_NAMES: ReadonlyMap<string, string> = new Map([
  ['md2', 'md2'],
  ['md5', 'md5'],
  ['sha', 'sha1'],
  ['sha1', 'sha1'],
  ['sha-1', 'sha1'],
  ['sha224', 'sha224'],
  ['sha-224', 'sha224'],
  ['sha256', 'sha256'],
  ['sha-256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha-384', 'sha384'],
  ['sha512', 'sha512'],
  ['sha-512', 'sha512'],
  ['sha512/224', 'sha512-224'],
  ['sha-512/224', 'sha512-224'],
  ['sha512/256', 'sha512-256'],
  ['sha-512/256', 'sha512-256'],
  ['sha3-224', 'sha3-224'],
  ['sha3-256', 'sha3-256'],
  ['sha3-384', 'sha3-384'],
  ['sha3-512', 'sha3-512'],
]);

/** For messages: one name of each. */
export const MESSAGE_DIGESTS: readonly string[] = [
  'MD2',
  'MD5',
  'SHA-1',
  'SHA-224',
  'SHA-256',
  'SHA-384',
  'SHA-512',
  'SHA-512/224',
  'SHA-512/256',
  'SHA3-224',
  'SHA3-256',
  'SHA3-384',
  'SHA3-512',
];

/** Node's name of a digest that Java knows, of MD2 the name that Node would use; undefined for others. */
export function nodeDigestName(javaName: string): string | undefined {
  return NODE_NAMES.get(javaName.toLowerCase());
}
