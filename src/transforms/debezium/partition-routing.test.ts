import { expect, it } from 'vitest';
import { ChainRunner } from '../../../test/transforms/chain-runner.ts';

const COLUMNS = [
  { name: 'id', type: 'int4' },
  { name: 'name', type: 'text' },
  { name: 'n', type: 'int4', defaultExpression: '5' },
] as const;

function runner(fields: string, more: Record<string, string> = {}): ChainRunner {
  const stage = {
    type: 'io.debezium.transforms.partitions.PartitionRouting',
    'partition.payload.fields': fields,
    'partition.topic.num': '7',
  };
  return new ChainRunner({ columns: COLUMNS, stages: [{ ...stage, ...more }] });
}

async function partition(fields: string, after: readonly (string | null)[], more?: Record<string, string>): Promise<number | undefined> {
  return (await runner(fields, more).create(...after))?.partition;
}

it('chooses the partition by the hashes of the fields', async () => {
  expect(await partition('change.name', ['1', 'abc', '2'])).toBe(96354 % 7);
  expect(await partition('change.name, after.id', ['1', 'abc', '2'])).toBe(96355 % 7);
  expect(await partition('op', ['1', 'abc', '2'])).toBe('c'.charCodeAt(0) % 7);
  expect(await partition('change.id', ['-1', 'abc', '2'])).toBe(0);
  expect(await partition('change.name', ['1', 'abc', '2'], { 'partition.hash.function': 'murmur' })).toBe(1809745788 % 7);
});

it('leaves out fields that are null or not there, and reads nulls as defaults', async () => {
  expect(await partition('change.name,change.none,none.id,op.x', ['1', null, '2'])).toBe(-1);
  expect(await partition('change.n', ['1', null, null])).toBe(5);
});

it('takes the old row of a delete, and nothing of its tombstone', async () => {
  const [deleted, tombstone] = await runner('change.id').send({ kind: 'delete', before: ['6', 'a', '1'] });
  expect(deleted?.partition).toBe(6);
  expect(tombstone?.partition).toBe(-1);
  expect((await runner('change.id').send({ kind: 'truncate' }))[0]?.partition).toBe(-1);
});

it('refuses a path through a struct that is null', async () => {
  await expect(partition('before.id', ['1', 'a', '2'])).rejects.toThrow('Unprocessable message');
  const update = runner('before.id').send({ kind: 'update', after: ['1', 'a', '2'] });
  await expect(update).rejects.toThrow('Unprocessable message');
});
