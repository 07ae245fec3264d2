/**
 * Owns decoding Avro records with Confluent's client for Python: one process for a whole run, asked line by line
 * (python/decode_avro.py). Where the machine has no Python, or its packages cannot be had, it says why. Does not compare.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ensureStack, pythonPackages, StackError } from '../../scripts/stack.ts';

const PROGRAM = fileURLToPath(new URL('python/decode_avro.py', import.meta.url));

type PythonDecoder = AsyncDisposable & {
  /** The JSON text of the decoded half, as decode_avro.py describes it. */
  decode(topic: string, half: 'key' | 'value', bytes: Buffer): Promise<string>;
};

export type PythonOutcome =
  | { readonly tag: 'started'; readonly decoder: PythonDecoder }
  | { readonly tag: 'missing'; readonly reason: string };

const READY = 'ready';

type Waiting = { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void };

export async function startPythonDecoder(registryUrl: string): Promise<PythonOutcome> {
  try {
    await ensureStack(['python'], (line) => console.log(line));
  } catch (error) {
    if (error instanceof StackError) return { tag: 'missing', reason: error.message };
    throw error;
  }
  return await startProgram(registryUrl);
}

async function startProgram(registryUrl: string): Promise<PythonOutcome> {
  const env = { ...process.env, PYTHONPATH: pythonPackages(), PYTHONIOENCODING: 'utf-8' };
  const child = spawn('python3', [PROGRAM, registryUrl], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting: Waiting[] = [];
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-2_000);
  });
  child.stdin.on('error', () => {}); // its end is told by 'close'
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(line));
  const whyEnded = (): string => `the Python decoder has ended. Its log ends:\n${log}`;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const fail = (): void => {
    for (const one of waiting.splice(0)) one.reject(new Error(whyEnded()));
    end();
  };
  child.on('close', fail);
  child.on('error', ({ message }) => {
    log += message;
    fail();
  });
  const nextLine = (): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    if (child.exitCode === null) waiting.push({ resolve, reject });
    else reject(new Error(whyEnded()));
    return promise;
  };
  // No interpreter, or another than the packages were installed for.
  const isReady = await nextLine().then(
    (line) => line === READY,
    () => false,
  );
  if (!isReady) return { tag: 'missing', reason: whyEnded() };
  const decoder: PythonDecoder = {
    decode: async (topic, half, bytes) => {
      const line = nextLine();
      child.stdin.write(`${JSON.stringify({ topic, half, bytes: bytes.toString('base64') })}\n`);
      const answer: { readonly text?: string; readonly error?: string } = JSON.parse(await line);
      if (answer.text === undefined) throw new Error(answer.error ?? 'no answer');
      return answer.text;
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
  return { tag: 'started', decoder };
}
