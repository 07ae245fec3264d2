/** Owns reading CPU time and memory of a process from the kernel. Linux only: /proc. Judges nothing. */
import { readFileSync } from 'node:fs';

/** Kernel clock ticks per second as /proc counts them: 100 on every architecture that Linux runs Node on. */
const TICKS_PER_SECOND = 100;
const STAT_UTIME = 11;

/** User and system time in microseconds; undefined: the process is gone. */
export function cpuTimeUs(pid: number | 'self'): number | undefined {
  const fields = statFields(pid);
  return fields === undefined ? undefined : ticksToUs(fields, STAT_UTIME);
}

/** User and system time of the children that have ended and were waited for. */
export function endedChildrenCpuUs(): number {
  const fields = statFields('self');
  return fields === undefined ? 0 : ticksToUs(fields, STAT_UTIME + 2);
}

/** Peak resident memory so far; undefined: the process is gone. */
function peakRssBytes(pid: number | 'self'): number | undefined {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Looks at a process a few times a second, so that its last figures are known although it ended by itself. */
export class ProcessWatch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #cpuUs = 0;
  #peakRssBytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.look(), WATCH_INTERVAL_MS);
    this.#timer.unref();
    this.look();
  }

  look(): { readonly cpuUs: number; readonly peakRssBytes: number } {
    this.#cpuUs = cpuTimeUs(this.#pid) ?? this.#cpuUs;
    this.#peakRssBytes = peakRssBytes(this.#pid) ?? this.#peakRssBytes;
    return { cpuUs: this.#cpuUs, peakRssBytes: this.#peakRssBytes };
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

const WATCH_INTERVAL_MS = 250;

/** The fields of /proc/PID/stat after the name, which may hold spaces: the first is the state. */
function statFields(pid: number | 'self'): readonly string[] | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function ticksToUs(fields: readonly string[], at: number): number {
  return ((Number(fields[at]) + Number(fields[at + 1])) * 1_000_000) / TICKS_PER_SECOND;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
