import { describe, expect, it } from 'vitest';
import { ChainRunner, jsonOf } from '../../../test/transforms/chain-runner.ts';

const DECODE = 'io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent';
const ROUTER = 'io.debezium.transforms.outbox.EventRouter';
const COLUMNS = [{ name: 'id', type: 'int4' }] as const;
const WITH_SCHEMAS = { key: 'json with schemas', value: 'json with schemas' };

function decoder(options: Record<string, string> = {}, router?: Record<string, string>): ChainRunner {
  const behind = router === undefined ? [] : [{ type: ROUTER, ...router }];
  return new ChainRunner({ columns: COLUMNS, stages: [{ type: DECODE, ...options }, ...behind], converters: WITH_SCHEMAS });
}

describe('a logical message of JSON', () => {
  it('becomes an event like an insert, without a key', async () => {
    const sent = await decoder().message('p', '{"id":1,"o":{"a":[1]},"n":null}');
    expect(sent).toMatchObject({ topic: 'srv.message', key: null });
    const { schema, payload } = jsonOf(sent?.value) as { schema: { fields: { field: string }[] }; payload: object };
    expect(schema).toMatchObject({ name: 'io.debezium.connector.postgresql.MessageValue.Envelope', optional: false });
    expect(schema).not.toHaveProperty('version');
    expect(schema.fields.map(({ field }) => field)).toEqual(['op', 'ts_ms', 'source', 'transaction', 'after']);
    expect(schema.fields.at(-1)).toEqual({
      type: 'struct',
      optional: true,
      field: 'after',
      fields: [
        { type: 'int32', optional: true, field: 'id' },
        {
          type: 'struct',
          optional: true,
          name: 'o',
          field: 'o',
          fields: [{ type: 'array', optional: true, field: 'a', items: { type: 'int32', optional: true } }],
        },
      ],
    });
    expect(payload).toMatchObject({ op: 'c', source: { table: '' }, transaction: null, after: { id: 1, o: { a: [1] } } });
  });

  it('keeps nulls if it is to', async () => {
    const sent = await decoder({ 'fields.null.include': 'true' }).message('p', '{"n":null}');
    expect(jsonOf(sent?.value)).toMatchObject({ payload: { after: { n: null } } });
  });

  it.each([
    ['[1]', 'Not a struct schema'],
    ['text', 'Unable to parse logical decoding message content JSON string'],
    ['{"a":', 'Unable to parse logical decoding message content JSON string'],
    ['{"a":[1,"x"]}', 'Field is not a homogenous array'],
  ])('cannot be %s', async (content, reason) => {
    await expect(decoder().message('p', content)).rejects.toThrow(reason);
  });

  it('is the only thing that changes: rows pass, and tombstones are refused', async () => {
    expect((await decoder().create('1'))?.topic).toBe('srv.public.t');
    await expect(decoder().send({ kind: 'delete', before: ['1'] })).rejects.toThrow('no value and no schema');
  });
});

describe('an outbox of logical messages', () => {
  it('is routed as rows are, each message by its own schema', async () => {
    const options = { 'table.fields.additional.placement': 'kind:header', 'table.field.additional.missing': 'ignore' };
    const outbox = decoder({}, options);
    const first = await outbox.message(
      'outbox',
      '{"id":"a","aggregatetype":"order","aggregateid":7,"payload":{"lines":[{"n":1}]},"kind":"k"}',
    );
    expect(first).toMatchObject({ topic: 'outbox.event.order', headers: ['id=a', 'kind=k'] });
    expect(jsonOf(first?.key)).toEqual({ schema: { type: 'int32', optional: true }, payload: 7 });
    expect(jsonOf(first?.value)).toMatchObject({
      schema: { name: 'payload', fields: [{ field: 'lines', items: { name: 'payload.lines' } }] },
      payload: { lines: [{ n: 1 }] },
    });
    const second = await outbox.message('outbox', '{"id":"b","aggregatetype":"item","aggregateid":"x","payload":"text"}');
    expect(second).toMatchObject({ topic: 'outbox.event.item', headers: ['id=b'] });
    expect(jsonOf(second?.value)).toEqual({ schema: { type: 'string', optional: true }, payload: 'text' });
    expect(
      jsonOf((await outbox.message('outbox', '{"id":"c","aggregatetype":"item","aggregateid":"x","payload":"more"}'))?.value),
    ).toMatchObject({
      payload: 'more',
    });
  });

  it('has envelopes named by their routes alone', async () => {
    const sent = await decoder({}, { 'table.fields.additional.placement': 'id:envelope' }).message(
      'outbox',
      '{"id":"a","aggregatetype":"order","aggregateid":"7","payload":1}',
    );
    expect(jsonOf(sent?.value)).toMatchObject({ schema: { name: 'order' }, payload: { payload: 1, id: 'a' } });
  });
});
