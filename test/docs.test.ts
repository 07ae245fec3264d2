import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generatedFiles, withNotYetBlock } from '../scripts/generate-docs.ts';

const ROOT = new URL('..', import.meta.url);

describe('generated documents', () => {
  test.each([...generatedFiles()])('%s is what the tables say (npm run docs writes it)', (path, text) => {
    const url = new URL(path, ROOT);
    expect(existsSync(url) ? readFileSync(url, 'utf8') : '').toBe(text);
  });

  test('the README says which options are refused, and keeps all other text', () => {
    const readme = 'before\n<!-- not-yet:start -->\nLINE OF YESTERDAY\n<!-- not-yet:end -->\nafter\n';
    const text = withNotYetBlock(readme);
    expect(text).toContain('`transforms`');
    expect(text).not.toContain('YESTERDAY');
    expect(text.startsWith('before\n') && text.endsWith('\nafter\n')).toBe(true);
    expect(withNotYetBlock(text)).toBe(text);
  });

  test('a README without the markers is an error', () => {
    expect(() => withNotYetBlock('nothing')).toThrow('not-yet:start');
  });
});
