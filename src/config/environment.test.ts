import { describe, expect, test } from 'vitest';
import { substitute } from './environment.ts';

const FILES: Readonly<Record<string, string>> = {
  '/run/secret': 'geheim\n',
  '/run/two-lines': 'a\nb\r\n',
  '/run/app.properties': '# user=comment\n! x\nuser = anna\npass\\ word:a=b c\nunicode=\\u00e9\\t!\nbare value\nempty=\n',
};

const ENVIRONMENT = {
  variables: { NAME: 'value', NESTED: wrap('env:NAME'), EMPTY: '' },
  readFile: (path: string) => {
    const text = FILES[path];
    if (text === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
    return text;
  },
};

function wrap(text: string): string {
  return `$\{${text}}`;
}

describe('substitution', () => {
  test.each([
    ['env:NAME', 'value'],
    ['env::NAME', 'value'],
    ['env:EMPTY', ''],
    ['env:NESTED', wrap('env:NAME')],
    ['file:/run/secret', 'geheim'],
    ['file:/run/two-lines', 'a\nb'],
    ['file:/run/app.properties:user', 'anna'],
    ['file:/run/app.properties:pass word', 'a=b c'],
    ['file:/run/app.properties:unicode', '\u00e9\t!'],
    ['file:/run/app.properties:bare', 'value'],
    ['file:/run/app.properties:empty', ''],
    ['dir:/run:secret', 'geheim'],
  ])('%s becomes %j', (placeholder, text) => {
    expect(substitute(wrap(placeholder), ENVIRONMENT)).toEqual({ text, problems: [] });
  });

  test('replaces several placeholders in one text, and leaves other braces alone', () => {
    expect(substitute(`a ${wrap('env:NAME')} b ${wrap('file:/run/secret')}`, ENVIRONMENT).text).toBe('a value b geheim');
    const other = `outbox.${wrap('routedByValue')} x{1,2} $1 ${'$'}{}`;
    expect(substitute(other, ENVIRONMENT)).toEqual({ text: other, problems: [] });
  });

  test.each([
    ['env:MISSING', 'the environment variable MISSING is not set'],
    ['file:/run/none', 'the file /run/none cannot be read (ENOENT)'],
    ['file:/run/app.properties:none', 'the file /run/app.properties has no key none'],
    ['file:/run/none:key', 'the file /run/none cannot be read (ENOENT)'],
    ['dir:/run', 'dir needs a folder and a name, separated by a colon'],
    ['vault:kv/x:y', 'there is no config provider named vault: use env, file or dir'],
  ])('%s is a problem: %s', (placeholder, reason) => {
    expect(substitute(wrap(placeholder), ENVIRONMENT).problems).toEqual([reason]);
  });
});
