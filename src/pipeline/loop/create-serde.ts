/** Owns which formats one attempt writes. Keys and values may have different ones; both are written to one buffer. */
import { ByteWriter } from '../../core/byte-writer.ts';
import type { ConverterOptions, RegisteredConverterOptions, ResolvedOptions } from '../../core/options.ts';
import { RegisteredHalfSerde } from '../../registry/registered-half.ts';
import { createSchemaIds, type Half, type RegistryUse } from '../../registry/schema-ids.ts';
import { AvroFormat } from '../../serde/avro/format.ts';
import { BytesHalfSerde } from '../../serde/bytes-half.ts';
import type { OnFailure } from '../../serde/half-writer.ts';
import { JsonSchemaFormat } from '../../serde/json-schema/format.ts';
import { JsonHalfSerde, TextHalfSerde } from '../../serde/plain-halves.ts';
import { ProtobufFormat } from '../../serde/protobuf/format.ts';
import { type HalfSerde, RecordSerde } from '../../serde/record-serde.ts';
import type { RegisteredFormat } from '../../serde/registered-format.ts';

type SerdeDeps = RegistryUse & {
  readonly options: Pick<ResolvedOptions, 'keyConverter' | 'valueConverter'>;
  readonly onFailure: OnFailure;
};

export function createSerde(deps: SerdeDeps): RecordSerde {
  const { keyConverter, valueConverter } = deps.options;
  const out = new ByteWriter();
  return new RecordSerde(out, halfOf('key', keyConverter, { deps, out }), halfOf('value', valueConverter, { deps, out }));
}

type Parts = { readonly deps: SerdeDeps; readonly out: ByteWriter };

function halfOf(half: Half, converter: ConverterOptions, { deps, out }: Parts): HalfSerde {
  const { onFailure } = deps;
  const registered = <Node>(format: RegisteredFormat<Node>, options: RegisteredConverterOptions): HalfSerde =>
    new RegisteredHalfSerde(format, { ids: createSchemaIds(deps, options, half), out, onFailure });
  switch (converter.format) {
    case 'json': {
      const { schemasEnable: schemas, replaceNullWithDefault: nullIsDefault, decimalFormat: decimals } = converter;
      return new JsonHalfSerde({ schemas, nullIsDefault, decimals }, out, onFailure);
    }
    case 'bytes': {
      const { delegate } = converter;
      return new BytesHalfSerde(out, onFailure, delegate === undefined ? undefined : halfOf(half, delegate, { deps, out }));
    }
    case 'string':
      return new TextHalfSerde(half, { encoding: converter.encoding, out, onFailure });
    case 'avro':
      return registered(new AvroFormat(converter), converter);
    case 'json_schema':
      return registered(new JsonSchemaFormat({ ...converter, decimals: converter.decimalFormat }), converter);
    case 'protobuf':
      return registered(new ProtobufFormat(converter), converter);
  }
}
