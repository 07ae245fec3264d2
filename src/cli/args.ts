/**
 * Owns the command line: commands, options, help and the exit code of wrong usage. It only parses
 * and calls the functions that are handed in; it does not own what they do.
 */

import { Command, CommanderError, InvalidArgumentError } from 'commander';

/** 0 done, 1 operating failure, 2 usage or config. */
export type ExitCode = 0 | 1 | 2;

/** A Connect worker's properties file, for what the configs leave to it. */
type WorkerConfig = { readonly workerConfig: string | undefined };

export type RunArguments = WorkerConfig & {
  readonly configPaths: readonly string[];
  /** A folder; every *.json file in it configures one connector. */
  readonly configFolder: string | undefined;
  readonly json: boolean;
};
export type CheckArguments = WorkerConfig & { readonly configPaths: readonly string[]; readonly json: boolean };
export type StatusArguments = WorkerConfig & {
  readonly configPaths: readonly string[];
  readonly watch: boolean;
  readonly intervalMs: number;
  readonly json: boolean;
};
export type DemoArguments = {
  /** Undefined: the demo runs until Ctrl-C. */
  readonly seconds: number | undefined;
};

export type Commands = {
  run(args: RunArguments): Promise<ExitCode>;
  check(args: CheckArguments): Promise<ExitCode>;
  status(args: StatusArguments): Promise<ExitCode>;
  demo(args: DemoArguments): Promise<ExitCode>;
};

type CommandLine = {
  /** Without the names of node and of the script. */
  readonly args: readonly string[];
  readonly version: string;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
};

/** Resolves with the exit code of the command, or 2 for wrong usage. Errors of a command pass through. */
export async function runCommandLine(line: CommandLine, commands: Commands): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = buildProgram(line, commands, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...line.args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

function buildProgram(line: CommandLine, commands: Commands, done: (code: ExitCode) => void): Command {
  const program = new Command('slotline')
    .description("Change data capture from PostgreSQL to Kafka as one small process, with Debezium's events.")
    .version(line.version)
    .exitOverride()
    .configureOutput({ writeOut: line.writeOut, writeErr: line.writeError })
    .showHelpAfterError('See slotline --help.');
  addRun(program, commands, done);
  addCheck(program, commands, done);
  addStatus(program, commands, done);
  addDemo(program, commands, done);
  return program;
}

type Done = (code: ExitCode) => void;

const CONFIG = ['-c, --config <file...>', 'config file of a connector (JSON); may be repeated'] as const;
const WORKER_CONFIG = [
  '--worker-config <file>',
  'properties file of a Connect worker, for converters, brokers and security that a config leaves to it',
] as const;
const JSON_OUTPUT = ['--json', 'print JSON'] as const;

function addRun(program: Command, commands: Commands, done: Done): void {
  program
    .command('run')
    .description('Capture changes until stopped.')
    .option(...CONFIG)
    .option('--config-dir <folder>', 'folder whose *.json files are connectors')
    .option(...WORKER_CONFIG)
    .option('--json', 'print problems of the config as JSON')
    .action(async (options: { config?: string[]; configDir?: string; workerConfig?: string; json?: boolean }, command: Command) => {
      if (options.config === undefined && options.configDir === undefined)
        command.error("error: option '--config <file...>' or '--config-dir <folder>' is required");
      const { config = [], configDir, workerConfig, json = false } = options;
      done(await commands.run({ configPaths: config, configFolder: configDir, workerConfig, json }));
    });
}

function addCheck(program: Command, commands: Commands, done: Done): void {
  program
    .command('check')
    .description('Check every precondition at once and print what mends each.')
    .requiredOption(...CONFIG)
    .option(...WORKER_CONFIG)
    .option(...JSON_OUTPUT)
    .action(async ({ config, workerConfig, json = false }: { config: string[]; workerConfig?: string; json?: boolean }) => {
      done(await commands.check({ configPaths: config, workerConfig, json }));
    });
}

/** Each look is one query: a second is fresh enough for a person, and no load. */
const WATCH_INTERVAL_S = 1;

function addStatus(program: Command, commands: Commands, done: Done): void {
  program
    .command('status')
    .description('Print the state and lag of the slot.')
    .requiredOption(...CONFIG)
    .option(...WORKER_CONFIG)
    .option('--watch', 'print again and again until stopped')
    .option('--interval <seconds>', 'pause between two prints with --watch', parseSeconds, WATCH_INTERVAL_S)
    .option(...JSON_OUTPUT)
    .action(async (options: { config: string[]; workerConfig?: string; watch?: boolean; interval: number; json?: boolean }) => {
      const { config, workerConfig, watch = false, interval, json = false } = options;
      done(await commands.status({ configPaths: config, workerConfig, watch, intervalMs: interval * 1000, json }));
    });
}

function addDemo(program: Command, commands: Commands, done: Done): void {
  program
    .command('demo')
    .description('Start PostgreSQL, Kafka and Slotline on this machine, with a small shop at work, and print its events.')
    .option('--seconds <number>', 'stop by itself after so long', parseSeconds)
    .action(async (options: { seconds?: number }) => {
      done(await commands.demo({ seconds: options.seconds }));
    });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !Number.isFinite(seconds) || seconds <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return seconds;
}
