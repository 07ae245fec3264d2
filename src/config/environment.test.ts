import { describe, expect, test } from 'vitest';
import { providersOf, substitute } from './environment.ts';

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
    ['mine:kv/x:y', 'there is no config provider named mine: use env, file or dir'],
    [
      'secrets:shop/orders-db:password',
      'secrets is not read: mount the Kubernetes secret as files and write ${dir:PATH:KEY}, or give it as a variable and write ${env:NAME}',
    ],
    [
      'secretsmanager:orders:password',
      'secretsmanager is not read: let what starts the process fetch it, as a variable (${env:NAME}) or a file (${file:PATH})',
    ],
  ])('%s is a problem: %s', (placeholder, reason) => {
    expect(substitute(wrap(placeholder), ENVIRONMENT).problems).toEqual([reason]);
  });

  test("takes the names that config.providers gives to Connect's own providers", () => {
    const providers = providersOf(
      new Map([
        ['config.providers', 'creds,env2,hashi'],
        ['config.providers.creds.class', 'org.apache.kafka.common.config.provider.FileConfigProvider'],
        ['config.providers.env2.class', 'org.apache.kafka.common.config.provider.EnvVarConfigProvider'],
        ['config.providers.hashi.class', 'com.acme.VaultConfigProvider'],
      ]),
    );
    expect(substitute(wrap('creds:/run/app.properties:user'), ENVIRONMENT, providers).text).toBe('anna');
    expect(substitute(wrap('env2:NAME'), ENVIRONMENT, providers).text).toBe('value');
    expect(substitute(wrap('hashi:kv/x:y'), ENVIRONMENT, providers).problems).toEqual([
      'VaultConfigProvider is not read: let what starts the process fetch it, as a variable (${env:NAME}) or a file (${file:PATH})',
    ]);
  });
});
