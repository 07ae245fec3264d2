/**
 * Owns decoding Avro records with Confluent's client for Python: one process for a whole run, asked line by line
 * (python/decode_avro.py). Where the machine has no Python, or its packages cannot be had, it says why. Does not compare.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ensureStack, pythonPackages, StackError } from '../../scripts/stack.ts';

const PROGRAM = fileURLToPath(new URL('python/decode_avro.py', import.meta.url));

export type PythonDecoder = AsyncDisposable & {
  /** The JSON text of the decoded half, as decode_avro.py describes it. */
  decode(topic: string, half: 'key' | 'value', bytes: Buffer): Promise<string>;
};

export type PythonOutcome =
  | { readonly tag: 'started'; readonly decoder: PythonDecoder }
  | { readonly tag: 'missing'; readonly reason: string };

type Waiting = { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void };

export async function startPythonDecoder(registryUrl: string): Promise<PythonOutcome> {
  try {
    await ensureStack(['python'], (line) => console.log(line));
  } catch (error) {
    if (error instanceof StackError) return { tag: 'missing', reason: error.message };
    throw error;
  }
  return { tag: 'started', decoder: startProgram(registryUrl) };
}

function startProgram(registryUrl: string): PythonDecoder {
  const env = { ...process.env, PYTHONPATH: pythonPackages(), PYTHONIOENCODING: 'utf-8' };
  const child = spawn('python3', [PROGRAM, registryUrl], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting: Waiting[] = [];
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-2_000);
  });
  child.stdin.on('error', () => {}); // its end is told by 'close'
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(line));
  const ended = new Promise<void>((settle) => {
    const fail = (): void => {
      for (const one of waiting.splice(0)) one.reject(new Error(`the Python decoder has ended. Its log ends:\n${log}`));
      settle();
    };
    child.on('close', fail);
    child.on('error', fail);
  });
  return {
    decode: async (topic, half, bytes) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify({ topic, half, bytes: bytes.toString('base64') })}\n`);
      if (child.exitCode !== null) reject(new Error(`the Python decoder has ended. Its log ends:\n${log}`));
      const answer: { readonly text?: string; readonly error?: string } = JSON.parse(await promise);
      if (answer.text === undefined) throw new Error(answer.error ?? 'no answer');
      return answer.text;
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
