#!/usr/bin/env node
/** Owns the entry: hands the command line to its commands and turns the outcome into an exit code. */
import { readFileSync } from 'node:fs';
import { runCommandLine } from './cli/args.ts';
import { check } from './cli/check/check.ts';
import { runDemo } from './cli/demo.ts';
import { run } from './cli/run.ts';
import { status } from './cli/status.ts';
import { toSlotlineError } from './core/errors.ts';

const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

try {
  process.exitCode = await runCommandLine(
    {
      args: process.argv.slice(2),
      version: manifest.version,
      writeOut: (text) => process.stdout.write(text),
      writeError: (text) => process.stderr.write(text),
    },
    { run: (args) => run(args, manifest.version), check, status, demo: runDemo },
  );
} catch (error) {
  const known = toSlotlineError(error);
  process.stderr.write(`${known.code}: ${known.message}\n${known.remedy}\n`);
  process.exitCode = 1;
}
