/** Owns the demo's command line and the ports it needs. */
import { parseArgs } from 'node:util';
import { portIsFree } from '../../test/harness/ports.ts';

export type DemoOptions = {
  readonly seconds: number | undefined;
  readonly postgresPort: number;
  readonly kafkaPort: number;
  readonly attach: boolean;
};

/** An error that stops the demo before it begins; its message is one line for a person. */
export class DemoError extends Error {}

export const USAGE = `npm run demo -- [--seconds N] [--ports POSTGRES,KAFKA]

Starts PostgreSQL 18, Apache Kafka and Slotline (config/demo.json), runs a small shop and prints the change events as they arrive.
  --seconds N              ends by itself after N seconds of events; otherwise Ctrl-C ends it
  --ports POSTGRES,KAFKA   other ports than 15432,19092
  --attach                 starts nothing: shop and reader for servers and a Slotline that run already, named by
                           DEMO_POSTGRES_HOST, DEMO_POSTGRES_PORT, DEMO_POSTGRES_USER, DEMO_POSTGRES_PASSWORD, DEMO_KAFKA`;

/** These ports are below the ephemeral range, so no outgoing connection of another program takes them by chance. */
const DEFAULT_PORTS = '15432,19092';

/** undefined: help was asked for. */
export function parseDemoOptions(args: readonly string[]): DemoOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !(seconds >= 1 && seconds <= 86_400)) throw new DemoError('--seconds takes a number from 1 to 86400');
  const ports = (values.ports ?? DEFAULT_PORTS).split(',').map(Number);
  const [postgresPort = 0, kafkaPort = 0] = ports;
  const valid =
    ports.length === 2 && postgresPort !== kafkaPort && ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  if (!valid) throw new DemoError(`--ports takes two different ports, for example ${DEFAULT_PORTS}`);
  return { seconds, postgresPort, kafkaPort, attach: values.attach ?? false };
}

function parse(args: readonly string[]): { seconds?: string; ports?: string; attach?: boolean; help?: boolean } {
  try {
    const options = {
      seconds: { type: 'string' },
      ports: { type: 'string' },
      attach: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new DemoError(`${error instanceof Error ? error.message : String(error)} (npm run demo -- --help)`);
  }
}

export async function requireFreePorts({ postgresPort, kafkaPort }: DemoOptions): Promise<void> {
  for (const { port, who } of [
    { port: postgresPort, who: 'PostgreSQL' },
    { port: kafkaPort, who: 'Kafka' },
  ]) {
    if (await portIsFree(port)) continue;
    const other = `${postgresPort + (who === 'PostgreSQL' ? 1 : 0)},${kafkaPort + (who === 'Kafka' ? 1 : 0)}`;
    throw new DemoError(`Port ${port}, wanted for ${who}, is in use: choose others, for example npm run demo -- --ports ${other}`);
  }
}
