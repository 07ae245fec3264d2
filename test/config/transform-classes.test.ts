import { expect, test } from 'vitest';
import { BUILT_CLASSES } from '../../src/config/table/transforms.ts';
import { PREDICATES, TRANSFORMS } from '../../src/transforms/classes.ts';

test('the transforms and predicates that a config may name are those that run', () => {
  expect([...BUILT_CLASSES].toSorted()).toEqual([...TRANSFORMS.keys(), ...PREDICATES.keys()].toSorted());
});
