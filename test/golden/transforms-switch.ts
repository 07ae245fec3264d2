/** Owns whether the recorded cases of transforms are replayed: not before Slotline has transforms. */
import process from 'node:process';

export const RUNS_TRANSFORMS = process.env['SLOTLINE_TEST_TRANSFORMS'] === '1';
