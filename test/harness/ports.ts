/** Owns the choice of free TCP ports on the loopback interface. */
import { createServer } from 'node:net';

/**
 * Ports that were free a moment ago, all different. Another process may still take one before it is used, so whoever
 * starts a server on it must report a failed bind. They lie below the ephemeral range, where no outgoing connection lands on them
 * while a server that owns one is being restarted.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count && attempt < count + MAX_FAILED_ATTEMPTS; attempt++) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (!ports.has(port) && (await portIsFree(port))) ports.add(port);
  }
  if (ports.size < count) throw new Error(`No ${count} free ports between ${LOWEST_PORT} and ${HIGHEST_PORT}`);
  return [...ports];
}

const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;
const MAX_FAILED_ATTEMPTS = 200;

export async function portIsFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((settle) => {
    server.once('error', () => settle(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => settle(true)));
  });
}
