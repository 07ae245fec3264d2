/** Owns the tests of a connector: its calls, alone and overlapping, and which waits slotline.start.timeout ends. */
import { describe, expect, it } from 'vitest';
import { SlotlineError } from '../../core/errors.ts';
import { type LogFields, SILENT_LOG } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { type AttemptRunner, type AttemptSignals, Connector, type ConnectorSetup } from './connector.ts';

const LIMITS = { startTimeoutMs: 60, retriesMax: -1, retryWaitMaxMs: 5 };

function connectorOf(newTask: () => AttemptRunner, more: Partial<ConnectorSetup> = {}): Connector {
  return new Connector({ newTask, limits: LIMITS, clock: SYSTEM_CLOCK, log: SILENT_LOG, random: () => 0, ...more });
}

/** Runs one attempt after another, as the list says. */
async function runAttempts(attempts: readonly AttemptRunner[]): Promise<SlotlineError | undefined> {
  let next = 0;
  const connector = connectorOf(() => (signals) => attempts[next++]?.(signals) ?? Promise.resolve());
  await connector.start();
  return await connector.untilStopped();
}

/** Attempts that stream until they are told to end, and then take a moment. Records what they see. */
class Tasks {
  readonly notes: string[] = [];
  tasks = 0;
  attempts = 0;
  atOnce = 0;
  atOnceMax = 0;
  /** The next attempt that is told to end fails with it. */
  failure: SlotlineError | undefined;

  readonly newTask = (): AttemptRunner => {
    const task = ++this.tasks;
    return (signals) => this.#attempt(task, signals);
  };

  async #attempt(task: number, signals: AttemptSignals): Promise<void> {
    const attempt = ++this.attempts;
    this.atOnceMax = Math.max(this.atOnceMax, ++this.atOnce);
    signals.answered();
    signals.started();
    this.notes.push(`task ${task} attempt ${attempt}`);
    using scope = new Scope();
    await scope.aborted(signals.stop);
    await new Promise(setImmediate);
    this.atOnce--;
    this.notes.push(signals.goesOn() ? 'ended' : 'ended for good');
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

describe('a connector', () => {
  it('does nothing before start, and stops for good', async () => {
    const tasks = new Tasks();
    const connector = connectorOf(tasks.newTask);
    expect([connector.state.tag, connector.desired, tasks.attempts]).toEqual(['unstarted', 'stopped', 0]);
    await connector.start();
    await connector.start();
    expect([connector.state.tag, connector.desired, tasks.attempts]).toEqual(['running', 'running', 1]);
    await connector.stop();
    expect([connector.state.tag, connector.desired, tasks.atOnce]).toEqual(['stopped', 'stopped', 0]);
    expect(await connector.untilStopped()).toBeUndefined();
    expect(tasks.notes).toEqual(['task 1 attempt 1', 'ended for good']);
  });

  it('pauses between two attempts of one task, and restarts with a new task', async () => {
    const tasks = new Tasks();
    const connector = connectorOf(tasks.newTask);
    await connector.start();
    await connector.pause();
    expect([connector.state.tag, connector.desired, tasks.atOnce]).toEqual(['paused', 'paused', 0]);
    await connector.resume();
    await connector.restart();
    expect(connector.state.tag).toBe('running');
    await connector.stop();
    const goesOn = ['task 1 attempt 1', 'ended', 'task 1 attempt 2', 'ended', 'task 2 attempt 3', 'ended for good'];
    expect(tasks.notes).toEqual(goesOn);
    await connector.start();
    expect(tasks.notes.at(-1)).toBe('task 3 attempt 4');
    await connector.stop();
  });

  it('obeys the last of the calls that overlap, and never runs two attempts at once', async () => {
    const tasks = new Tasks();
    const connector = connectorOf(tasks.newTask);
    await connector.start();
    await Promise.all([connector.pause(), connector.resume(), connector.restart(), connector.restart()]);
    expect([connector.state.tag, tasks.attempts, tasks.tasks]).toEqual(['running', 2, 2]);
    await Promise.all([connector.restart(), connector.pause()]);
    expect([connector.state.tag, tasks.attempts]).toEqual(['paused', 2]);
    await connector.resume();
    expect(tasks.notes.at(-1)).toBe('task 3 attempt 3');
    await Promise.all([connector.pause(), connector.stop(), connector.resume()]);
    expect([connector.state.tag, connector.desired]).toEqual(['stopped', 'stopped']);
    expect(tasks.atOnceMax).toBe(1);
  });

  it('ends the wait between two attempts with a pause, and begins anew with a restart', async () => {
    let attempts = 0;
    let tasks = 0;
    const newTask = (): AttemptRunner => {
      tasks++;
      return async () => {
        attempts++;
        throw new SlotlineError('pg_unreachable');
      };
    };
    const connector = connectorOf(newTask, { limits: { ...LIMITS, startTimeoutMs: Number.POSITIVE_INFINITY, retryWaitMaxMs: 3_600_000 } });
    await connector.start();
    await connector.restart();
    await new Promise(setImmediate);
    expect([connector.state, attempts, tasks]).toMatchObject([{ tag: 'waiting', attempt: 1 }, 2, 2]);
    await connector.pause();
    expect(connector.state.tag).toBe('paused');
    await connector.stop();
    expect([connector.state.tag, attempts]).toEqual(['stopped', 2]);
  });

  it('that an error ended is still meant to run, and can be started again', async () => {
    let isMended = false;
    const tasks = new Tasks();
    const newTask = (): AttemptRunner => {
      const run = tasks.newTask();
      return async (signals) => {
        if (!isMended) throw new SlotlineError('slot_lost');
        await run(signals);
      };
    };
    const connector = connectorOf(newTask);
    await connector.start();
    expect((await connector.untilStopped())?.code).toBe('slot_lost');
    expect(connector.desired).toBe('running');
    await connector.resume();
    expect(connector.state.tag).toBe('stopped');
    isMended = true;
    await connector.restart();
    expect(connector.state.tag).toBe('running');
    await connector.stop();
  });

  it('tells each change in the log, and an attempt that did not end in order', async () => {
    const told: string[] = [];
    const line = (event: string, fields: LogFields = {}): void => {
      told.push([event, ...Object.values(fields)].join(' '));
    };
    const tasks = new Tasks();
    const log = { ...SILENT_LOG, info: line, warn: (event: string, { code }: LogFields = {}) => line(event, { code }) };
    const connector = connectorOf(tasks.newTask, { log, startFields: { slot: 'shop' } });
    await connector.start();
    tasks.failure = new SlotlineError('pg_connection_lost');
    await connector.pause();
    expect(connector.state).toMatchObject({ tag: 'paused', error: { code: 'pg_connection_lost' } });
    await connector.resume();
    await connector.restart();
    await connector.stop();
    expect(told).toEqual([
      'connector.start shop',
      'connector.attempt_failed pg_connection_lost',
      'connector.paused',
      'connector.resumed',
      'connector.restarted',
      'connector.stopped',
    ]);
  });

  it('is one of several: what is called on one leaves the other alone', async () => {
    const [one, other] = [new Tasks(), new Tasks()];
    const [first, second] = [connectorOf(one.newTask), connectorOf(other.newTask)];
    await Promise.all([first.start(), second.start()]);
    await first.pause();
    await first.stop();
    expect([first.state.tag, second.state.tag, other.attempts]).toEqual(['stopped', 'running', 1]);
    await second.stop();
  });
});

describe('slotline.start.timeout', () => {
  it('ends an attempt that waits for a server without an error of its own', async () => {
    const error = await runAttempts([
      async (signals) => {
        await new Scope().aborted(signals.startDeadline);
        throw new SlotlineError('kafka_unreachable');
      },
    ]);
    expect(error?.code).toBe('kafka_unreachable');
  });

  it('is over once the connector has run: a later attempt waits as long as it takes', async () => {
    const seen: boolean[] = [];
    const error = await runAttempts([
      async (signals) => {
        // A snapshot that takes longer than the timeout lies between the answer and the stream.
        signals.answered();
        await new Promise((settle) => setTimeout(settle, 2 * LIMITS.startTimeoutMs));
        seen.push(signals.startDeadline.aborted);
        signals.started();
        throw new SlotlineError('pg_connection_lost');
      },
      async (signals) => {
        seen.push(signals.startDeadline.aborted);
        await new Promise((settle) => setTimeout(settle, 2 * LIMITS.startTimeoutMs));
        seen.push(signals.startDeadline.aborted);
      },
    ]);
    expect(error).toBeUndefined();
    expect(seen).toEqual([false, false, false]);
  });

  it('counts anew when a snapshot breaks off, however long that had taken', async () => {
    const codes = ['pg_connection_lost', 'kafka_unreachable'] as const;
    let attempts = 0;
    const error = await runAttempts([
      async (signals) => {
        attempts++;
        signals.answered();
        await new Promise((settle) => setTimeout(settle, 2 * LIMITS.startTimeoutMs));
        throw new SlotlineError(codes[0]);
      },
      async (signals) => {
        attempts++;
        expect(signals.startDeadline.aborted).toBe(false);
        await new Scope().aborted(signals.startDeadline);
        throw new SlotlineError(codes[1]);
      },
    ]);
    expect(attempts).toBe(2);
    expect(error?.code).toBe('kafka_unreachable');
  });

  it('counts anew from a restart, but not from a resume once the connector has run', async () => {
    const aborted: boolean[] = [];
    let attempts = 0;
    const attempt: AttemptRunner = async (signals) => {
      using scope = new Scope();
      attempts++;
      if (attempts === 1) {
        signals.started();
        return await scope.aborted(signals.stop);
      }
      if (attempts === 3) {
        await scope.aborted(signals.startDeadline);
        throw new SlotlineError('kafka_unreachable');
      }
      await new Promise((settle) => setTimeout(settle, 2 * LIMITS.startTimeoutMs));
      aborted.push(signals.startDeadline.aborted);
      await scope.aborted(signals.stop);
    };
    const connector = connectorOf(() => attempt);
    await connector.start();
    await connector.pause();
    await connector.resume();
    await connector.restart();
    expect((await connector.untilStopped())?.code).toBe('kafka_unreachable');
    expect([attempts, aborted]).toEqual([3, [false]]);
  });
});
