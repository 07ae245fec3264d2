/**
 * Dockerfile and docker-compose.yml, read and checked without a Docker engine: images pinned, every file they name is there, and the
 * services, the mounted config and the demo agree on hosts, ports and names. They are not run here.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../src/config/load.ts';
import { PROJECT_DIR, projectFiles, readProjectFile, readSourceFacts } from './harness/source-facts.ts';

type Instruction = { readonly name: string; readonly text: string };
type Stage = { readonly name: string; readonly image: string; readonly instructions: readonly Instruction[] };
type Service = {
  image?: string;
  build?: { context: string; target: string };
  command?: string[];
  environment?: Record<string, string | number>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
};

const stages = parseDockerfile(readProjectFile('Dockerfile'));
const compose: { services: Record<string, Service> } = parse(readProjectFile('docker-compose.yml'));
const PINNED_IMAGE = /^[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$/;

function parseDockerfile(text: string): readonly Stage[] {
  const found: { name: string; image: string; instructions: Instruction[] }[] = [];
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n');
  for (const line of lines.filter((each) => each.trim() !== '' && !each.startsWith('#'))) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const from = /^(\S+) AS (\S+)$/.exec(rest);
    if (name === 'FROM') found.push({ image: from?.[1] ?? rest, name: from?.[2] ?? '', instructions: [] });
    else found.at(-1)?.instructions.push({ name, text: rest });
  }
  return found;
}

function stageNamed(name: string): Stage {
  const stage = stages.find((each) => each.name === name);
  if (stage === undefined) throw new Error(`no stage ${name}`);
  return stage;
}

function textsOf(stage: Stage, name: string): string[] {
  return stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

/** What a stage copies from the project folder. */
function copiedPaths(stage: Stage): string[] {
  return textsOf(stage, 'COPY')
    .filter((text) => !text.startsWith('--from'))
    .flatMap((text) => text.split(/\s+/).slice(0, -1));
}

/** The file and every file of ours that it loads. */
function loadedFiles(entry: string): string[] {
  const facts = new Map(readSourceFacts(projectFiles().filter((path) => path.endsWith('.ts'))).map((each) => [each.path, each]));
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { target, own, typeOnly } of facts.get(path)?.imports ?? []) if (own && !typeOnly) visit(target);
  };
  visit(entry);
  return [...seen];
}

function service(name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
}

describe('the Dockerfile', () => {
  const manifest: { devDependencies: Record<string, string> } = JSON.parse(readProjectFile('package.json'));

  test('starts every stage from the pinned Node that the project runs on', () => {
    expect(stages.map(({ image }) => image)).toEqual(stages.map(() => `node:${manifest.devDependencies['node']}-slim`));
  });

  test('copies only what exists and what .dockerignore lets through', () => {
    const ignore = readProjectFile('.dockerignore').split('\n');
    expect(ignore[0]).toBe('*');
    const copied = stages.flatMap(copiedPaths);
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => !existsSync(join(PROJECT_DIR, path)))).toEqual([]);
    expect(copied.filter((path) => !ignore.includes(`!${path.replace(/^\.\//, '')}`))).toEqual([]);
  });

  test.each([
    ['slotline', 'src/main.ts'],
    ['demo', 'scripts/demo.ts'],
  ])('puts into the stage %s every file that %s loads', (name, entry) => {
    const copied = copiedPaths(stageNamed(name));
    expect(existsSync(join(PROJECT_DIR, entry))).toBe(true);
    expect(loadedFiles(entry).filter((path) => !copied.some((from) => path === from || path.startsWith(`${from}/`)))).toEqual([]);
  });

  test('runs as a user without rights, in exec form, with production dependencies only', () => {
    for (const stage of [stageNamed('slotline'), stageNamed('demo')]) {
      expect(textsOf(stage, 'USER')).toEqual(['node']);
      expect([...textsOf(stage, 'ENTRYPOINT'), ...textsOf(stage, 'CMD')].filter((text) => !Array.isArray(JSON.parse(text)))).toEqual([]);
    }
    const slotline = stageNamed('slotline');
    expect(textsOf(slotline, 'ENTRYPOINT').map((text) => JSON.parse(text))).toEqual([['slotline']]);
    const [from] = textsOf(slotline, 'COPY').flatMap((text) => /^--from=(\S+) /.exec(text)?.[1] ?? []);
    expect(textsOf(stageNamed(from ?? ''), 'RUN').join()).toContain('npm ci --omit=dev');
    expect(textsOf(slotline, 'RUN').join()).toContain('ln -s /opt/slotline/bin/slotline.mjs /usr/local/bin/slotline');
    const launcher = readProjectFile('bin/slotline.mjs');
    expect(launcher).toMatch(/^#!\/usr\/bin\/env (-S )?node\b/);
    expect(launcher).toContain("import('../src/main.ts')");
    expect(copiedPaths(slotline)).toContain('bin');
  });
});

describe('docker-compose.yml', () => {
  test('pins every image and builds only stages that exist', () => {
    for (const { image, build } of Object.values(compose.services)) {
      if (image !== undefined) expect(image).toMatch(PINNED_IMAGE);
      else expect(stages.map(({ name }) => name)).toContain(build?.target);
    }
    expect('postgres:latest').not.toMatch(PINNED_IMAGE);
    expect('postgres').not.toMatch(PINNED_IMAGE);
  });

  test('waits only for services that exist, and for health only where it is checked', () => {
    for (const { depends_on: waits = {} } of Object.values(compose.services)) {
      for (const [name, { condition }] of Object.entries(waits)) {
        expect(compose.services[name]).toBeDefined();
        if (condition === 'service_healthy') expect(service(name).healthcheck?.test.length).toBeGreaterThan(1);
      }
    }
  });

  test('mounts files that exist, read-only, and publishes ports on the loopback interface only', () => {
    const all = Object.values(compose.services);
    const mounts = all.flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')));
    expect(mounts.filter(([source = '', , mode]) => !existsSync(join(PROJECT_DIR, source)) || mode !== 'ro')).toEqual([]);
    const ports = all.flatMap(({ ports: published = [] }) => published);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    expect(new Set(ports).size).toBe(ports.length);
  });

  test('mounts the config where the image looks for it, and the config loads with the environment of the service', () => {
    const [mount = ''] = service('slotline').volumes ?? [];
    const [source = '', target] = mount.split(':');
    expect(JSON.parse(textsOf(stageNamed('slotline'), 'CMD')[0] ?? '[]')).toEqual(['run', '--config', target]);
    expect(loadWith(source, service('slotline').environment ?? {})).toEqual({ tag: 'resolved', problems: [] });
    expect(loadWith(source, {}).problems.join()).toContain('POSTGRES_PASSWORD');
  });

  test('gives PostgreSQL, Kafka, Slotline and the demo the same hosts, ports, names and password', () => {
    const config: Record<string, string> = JSON.parse(readProjectFile('config/compose.json'));
    const { environment: postgres = {}, command = [] } = service('postgres');
    expect(command.join(' ')).toContain('wal_level=logical');
    expect(compose.services[config['database.hostname'] ?? '']).toBe(service('postgres'));
    expect([config['database.user'], config['database.dbname']]).toEqual([postgres['POSTGRES_USER'], postgres['POSTGRES_DB']]);
    const advertised = String(service('kafka').environment?.['KAFKA_ADVERTISED_LISTENERS']);
    expect(advertised).toContain(`INTERNAL://${config['bootstrap.servers']}`);
    const publishedPort = service('kafka').ports?.[0]?.split(':')[1];
    expect(advertised).toContain(`EXTERNAL://127.0.0.1:${publishedPort}`);
    const demo = service('demo').environment ?? {};
    expect(demo).toEqual({
      DEMO_POSTGRES_HOST: config['database.hostname'],
      DEMO_POSTGRES_PORT: config['database.port'],
      DEMO_POSTGRES_USER: config['database.user'],
      DEMO_POSTGRES_PASSWORD: postgres['POSTGRES_PASSWORD'],
      DEMO_KAFKA: config['bootstrap.servers'],
    });
    expect(service('slotline').environment?.['POSTGRES_PASSWORD']).toBe(postgres['POSTGRES_PASSWORD']);
  });

  test('its config is that of the demo but for name and addresses', () => {
    const demo: Record<string, string> = JSON.parse(readProjectFile('config/demo.json'));
    const own: Record<string, string> = JSON.parse(readProjectFile('config/compose.json'));
    const differing = Object.keys({ ...demo, ...own }).filter((key) => demo[key] !== own[key]);
    const addresses = ['database.hostname', 'database.port', 'database.user', 'database.password'];
    expect(differing).toEqual(['name', 'bootstrap.servers', ...addresses]);
  });
});

test('the config of the demo loads with the environment that the demo sets', () => {
  const environment = {
    DEMO_KAFKA: '127.0.0.1:19092',
    DEMO_POSTGRES_HOST: '127.0.0.1',
    DEMO_POSTGRES_PORT: '15432',
    DEMO_POSTGRES_USER: 'postgres',
    DEMO_POSTGRES_PASSWORD: 'x',
  };
  expect(loadWith('config/demo.json', environment)).toEqual({ tag: 'resolved', problems: [] });
});

function loadWith(path: string, environment: Record<string, string | number>): { tag: string; problems: string[] } {
  const variables = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
  const result = loadConfig(path, { variables, readFile: readProjectFile });
  const problems = result.tag === 'refused' ? result.problems.map((problem) => `${problem.key}: ${JSON.stringify(problem)}`) : [];
  return { tag: result.tag, problems };
}
