/** Owns the chains of transforms that are measured beside the plain envelope. */

const CHAINS = {
  unwrap: ['unwrap'],
  chain: ['unwrap', 'route', 'stamp'],
} as const;

/** `unwrap`: rows without their envelope; `chain`: then a RegexRouter that matches, and a header. */
export type ChainName = keyof typeof CHAINS;

export const CHAIN_NAMES: readonly ChainName[] = ['unwrap', 'chain'];

const STAGES = {
  unwrap: { type: 'io.debezium.transforms.ExtractNewRecordState', 'delete.tombstone.handling.mode': 'rewrite' },
  // The topic stays what it is, so that the same topic is counted.
  route: { type: 'org.apache.kafka.connect.transforms.RegexRouter', regex: '([^.]+)\\.([^.]+)\\.(.*)', replacement: '$1.$2.$3' },
  stamp: { type: 'org.apache.kafka.connect.transforms.InsertHeader', header: 'origin', 'value.literal': 'slotline' },
} as const;

export function chainConfig(name: ChainName): Readonly<Record<string, string>> {
  const stages = CHAINS[name];
  const options = stages.flatMap((alias) =>
    Object.entries(STAGES[alias]).map(([option, value]) => [`transforms.${alias}.${option}`, value]),
  );
  return { transforms: stages.join(','), ...Object.fromEntries(options) };
}
