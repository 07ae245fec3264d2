/** Owns reading the recorded cases of transforms, in each of their formats. Which cases there are is recorder/transforms/cases.ts's. */
import { type AvroCase, asJsonRecords } from './avro-cases.ts';
import { caseNames, readCase, TRANSFORMS_AVRO_FOLDER, TRANSFORMS_FOLDER } from './case-store.ts';
import { inputOf, TRANSFORM_CASES } from './recorder/transforms/cases.ts';
import type { TransformForm } from './recorder/transforms/chain.ts';
import type { GoldenCase } from './replay-cases.ts';

type RecordedForm = {
  readonly form: TransformForm;
  /** What the list of cases asks for now, without records. */
  readonly input: GoldenCase;
  /** Undefined where it is not recorded yet. Records in Avro are as the JSON converter would have written them. */
  readonly recorded: GoldenCase | undefined;
};

type RecordedTransform = { readonly name: string; readonly forms: readonly RecordedForm[] };

export function readTransformCases(): RecordedTransform[] {
  const stored = { json: caseNames(TRANSFORMS_FOLDER), avro: caseNames(TRANSFORMS_AVRO_FOLDER) };
  return TRANSFORM_CASES.map((one) => ({
    name: one.name,
    forms: one.forms.map((form) => {
      const input = inputOf(one, form);
      const isStored = (form === 'avro' ? stored.avro : stored.json).includes(input.name);
      return { form, input, recorded: isStored ? readForm(form, input.name) : undefined };
    }),
  }));
}

function readForm(form: TransformForm, name: string): GoldenCase {
  if (form !== 'avro') return readCase<GoldenCase>(TRANSFORMS_FOLDER, name);
  const golden = readCase<AvroCase>(TRANSFORMS_AVRO_FOLDER, name);
  return { ...golden, records: asJsonRecords(golden.records, golden.schemas) };
}

export function readTransformsInAvro(): AvroCase[] {
  return caseNames(TRANSFORMS_AVRO_FOLDER).map((name) => readCase<AvroCase>(TRANSFORMS_AVRO_FOLDER, name));
}
