/**
 * Owns how Kafka's JVMs start cheaply in a test run: one compiler, one thread that collects, and classes from an archive, which is made once
 * for a Java and an installed Kafka. Where there is none, or it does not fit, a JVM starts as well, only later.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { javaPath, kafkaClassPath } from '../../scripts/stack.ts';
import { isTestRun } from './process.ts';

/** The archive of this run. */
const ARCHIVE_VARIABLE = 'SLOTLINE_TEST_KAFKA_CLASSES';
/** Half of what a broker computes in a test would be its second compiler and its collector's threads. */
const TEST_JVM_ARGS: readonly string[] = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

export function testJvmArgs(): readonly string[] {
  if (!isTestRun()) return [];
  const archive = process.env[ARCHIVE_VARIABLE];
  return archive ? [...TEST_JVM_ARGS, `-XX:SharedArchiveFile=${archive}`] : TEST_JVM_ARGS;
}

/** Makes the archive if there is none, for all brokers of this run. `runBroker` starts a broker with these flags and stops it in order. */
export async function shareKafkaClasses(runBroker: (jvmArgs: readonly string[]) => Promise<void>): Promise<void> {
  const archive = join(dirname(dirname(kafkaClassPath())), `classes-${placeHash()}.jsa`);
  if (!existsSync(archive)) {
    const building = `${archive}.${process.pid}.building`;
    await runBroker([`-XX:ArchiveClassesAtExit=${building}`]);
    if (!existsSync(building)) return; // this Java makes none
    renameSync(building, archive);
  }
  process.env[ARCHIVE_VARIABLE] = archive;
}

/** An archive fits one Java, and jars where they were. */
function placeHash(): string {
  const java = execFileSync(javaPath(), ['-Xinternalversion'], { encoding: 'utf8' });
  return createHash('sha256').update(java).update(kafkaClassPath()).digest('hex').slice(0, 12);
}
