import { describe, expect, test } from 'vitest';
import { type Commands, type ExitCode, runCommandLine } from './args.ts';

type Outcome = { code: ExitCode; called: string | undefined; args: unknown; out: string; error: string };

async function runWith(args: readonly string[], code: ExitCode = 0): Promise<Outcome> {
  const outcome: Outcome = { code: 0, called: undefined, args: undefined, out: '', error: '' };
  const record = (called: string) => (given: unknown) => {
    outcome.called = called;
    outcome.args = given;
    return Promise.resolve(code);
  };
  const commands: Commands = { run: record('run'), check: record('check'), status: record('status'), demo: record('demo') };
  outcome.code = await runCommandLine(
    {
      args,
      version: '1.2.3',
      writeOut: (text) => {
        outcome.out += text;
      },
      writeError: (text) => {
        outcome.error += text;
      },
    },
    commands,
  );
  return outcome;
}

describe('command line', () => {
  test('run takes several config files, by repeated or single options, and a folder', async () => {
    const inRow = await runWith(['run', '--config', 'a.json', 'b.json', '--config-dir', 'connectors']);
    expect(inRow).toMatchObject({
      called: 'run',
      code: 0,
      args: { configPaths: ['a.json', 'b.json'], configFolder: 'connectors', json: false },
    });
    const repeated = await runWith(['run', '-c', 'a.json', '--config', 'b.json', '--json']);
    expect(repeated.args).toEqual({ configPaths: ['a.json', 'b.json'], configFolder: undefined, json: true });
  });

  test('check, status and demo get the options of the command line', async () => {
    expect(await runWith(['check', '--config', 'a.json', '--json'])).toMatchObject({
      called: 'check',
      args: { configPaths: ['a.json'], json: true },
    });
    const status = await runWith(['status', '--config', 'a.json', '--watch', '--interval', '0.5']);
    expect(status.args).toEqual({ configPaths: ['a.json'], watch: true, intervalMs: 500, json: false });
    expect(await runWith(['demo', '--seconds', '30'])).toMatchObject({ called: 'demo', args: { seconds: 30 } });
    for (const command of ['run', 'check', 'status']) {
      const { args } = await runWith([command, '-c', 'a.json', '--worker-config', 'w.properties']);
      expect(args).toMatchObject({ configPaths: ['a.json'], workerConfig: 'w.properties' });
    }
    expect(await runWith(['demo'])).toMatchObject({ called: 'demo', args: { seconds: undefined } });
  });

  test('the exit code of a command is the exit code of the process', async () => {
    expect((await runWith(['check', '-c', 'a.json'], 1)).code).toBe(1);
    expect((await runWith(['run', '-c', 'a.json'], 2)).code).toBe(2);
  });

  test.each([
    [['run'], '--config'],
    [['check'], '--config'],
    [['status', '--config', 'a.json', '--interval', 'soon'], '--interval'],
    [['demo', '--seconds', '-1'], '--seconds'],
    [['chekc', '--config', 'a.json'], 'check'],
    [['check', '--confg', 'a.json'], '--config'],
    [['check', '--config', 'a.json', 'stray', '--nonsense'], '--nonsense'],
    [[], 'Usage'],
  ])('wrong usage %j exits with 2, says what is meant, and calls nothing', async (args, hint) => {
    const outcome = await runWith(args);
    expect(outcome).toMatchObject({ code: 2, called: undefined });
    expect(outcome.error).toContain(hint);
  });

  test('help and version exit with 0', async () => {
    expect(await runWith(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n' });
    const help = await runWith(['--help']);
    expect(help.code).toBe(0);
    expect(help.out).toContain('check');
    expect((await runWith(['run', '--help'])).code).toBe(0);
  });
});
