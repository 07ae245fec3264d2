/**
 * The house rules that a machine can check: who may import whom, sizes, names, and nothing of one machine in the files. Links and
 * paths in documents are tidy-documents.test.ts.
 */
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ImportFact, projectFiles, readProjectFile, readSourceFacts, type SourceFacts } from './harness/source-facts.ts';

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const FOLDER_FILES_MAX = 15;

/** docs/architecture.md's table: a folder of src/ may import itself, `all` of these, and from `types` only types. */
type Rule = { readonly all: readonly string[]; readonly types?: readonly string[] };
const LAYER_1 = ['pgoutput', 'values', 'events', 'transforms', 'serde'];
const LAYER_2 = ['postgres', 'kafka', 'offsets', 'config'];
const UP_TO_2 = ['core', ...LAYER_1, ...LAYER_2];
const EVERYTHING = [...UP_TO_2, 'registry', 'snapshot', 'pipeline', 'ops', 'cli', 'main.ts'];
const MAY_IMPORT: Readonly<Record<string, Rule>> = {
  core: { all: [] },
  pgoutput: { all: ['core'] },
  values: { all: ['core', 'pgoutput'] },
  events: { all: ['core', 'pgoutput', 'values'] },
  transforms: { all: ['core', 'pgoutput', 'values', 'events'] },
  serde: { all: ['core', 'pgoutput', 'values', 'events'] },
  postgres: { all: ['core'], types: LAYER_1 },
  kafka: { all: ['core'], types: LAYER_1 },
  offsets: { all: ['core'] },
  config: { all: ['core'] },
  registry: { all: ['core', ...LAYER_1] },
  snapshot: { all: UP_TO_2 },
  pipeline: { all: [...UP_TO_2, 'registry', 'snapshot'] },
  ops: { all: [...UP_TO_2, 'snapshot', 'pipeline'] },
  cli: { all: EVERYTHING },
  'main.ts': { all: EVERYTHING },
};

/** Single imports that the table forbids, and why they are right all the same. */
const ALLOWED_IMPORTS: Readonly<Record<string, string>> = {
  'src/postgres/stream/row-stream.ts -> src/pgoutput/tuple.ts': 'rows of COPY are given in the very view that streamed rows have',
};

/** A dependency belongs to one file of src/; here are those that need more, and why. */
const SEVERAL_IMPORTERS: Readonly<Record<string, { files: readonly string[]; why: string }>> = {};

/** Exports that no file of ours imports, and who uses them. */
const ENTRY_POINTS: Readonly<Record<string, string>> = {
  'vitest.config.ts default': 'vitest reads its configuration from it',
};

const NON_NULL_FILES = ['src/core/byte-reader.ts', 'src/core/byte-writer.ts'];
const FORBIDDEN_NAMES = /^(utils?|helpers?|common|misc|index)$/;

/** Time, randomness, environment and I/O are handed in to the pure folders. `async` has no place there. */
const PURE_FOLDERS = LAYER_1;
const IMPURE_GLOBALS =
  /^(Date\.now|new Date\(\)|performance\.now|process\.|Math\.random|crypto\.|setTimeout$|setInterval$|setImmediate$|queueMicrotask$|console\.|fetch$|random(Bytes|Int|UUID|FillSync)$)/;
/** Of node:crypto the hashes; its random functions are named above. */
const PURE_NODE_MODULES = ['node:buffer', 'node:util', 'node:assert', 'node:crypto'];

const files = projectFiles();
const sources = readSourceFacts(files.filter((path) => path.endsWith('.ts')));
/** Tests lie beside what they test; what several of them share is below test/. */
const TEST_FILE = /\.test\.ts$/;
const product = sources.filter(({ path }) => path.startsWith('src/') && !TEST_FILE.test(path));

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function importBreaksRule(path: string, { target, own, typeOnly }: Omit<ImportFact, 'names'>): boolean {
  if (!own) return false;
  if (!target.startsWith('src/') || TEST_FILE.test(target)) return true;
  const [from, to] = [folderOf(path), folderOf(target)];
  const rule = MAY_IMPORT[from];
  if (rule === undefined) return true;
  return !(from === to || rule.all.includes(to) || (typeOnly && rule.types?.includes(to)));
}

function listImports(facts: readonly SourceFacts[], breaks: (path: string, fact: ImportFact) => boolean): string[] {
  return facts.flatMap(({ path, imports }) => imports.filter((fact) => breaks(path, fact)).map(({ target }) => `${path} -> ${target}`));
}

test('the compiler parsed every source file', () => {
  expect(sources.length).toBeGreaterThan(10);
  expect(files.filter((path) => path.endsWith('.ts') && !sources.some((source) => source.path === path))).toEqual([]);
});

describe('imports', () => {
  test('go only where the layers allow', () => {
    const broken = listImports(product, importBreaksRule);
    expect(broken.filter((line) => ALLOWED_IMPORTS[line] === undefined)).toEqual([]);
    expect(Object.keys(ALLOWED_IMPORTS).filter((line) => !broken.includes(line))).toEqual([]);
  });

  test.each([
    ['src/core/a.ts', { target: 'src/values/b.ts', own: true, typeOnly: true }, true],
    ['src/kafka/a.ts', { target: 'src/values/b.ts', own: true, typeOnly: true }, false],
    ['src/kafka/a.ts', { target: 'src/values/b.ts', own: true, typeOnly: false }, true],
    ['src/values/a.ts', { target: 'src/events/b.ts', own: true, typeOnly: false }, true],
    ['src/pipeline/a.ts', { target: 'src/kafka/b.ts', own: true, typeOnly: false }, false],
    ['src/pipeline/a.ts', { target: 'test/harness/b.ts', own: true, typeOnly: false }, true],
    ['src/values/a.ts', { target: 'src/values/b.test.ts', own: true, typeOnly: false }, true],
    ['src/serde/a.ts', { target: 'src/registry/b.ts', own: true, typeOnly: true }, true],
    ['src/newfolder/a.ts', { target: 'src/core/b.ts', own: true, typeOnly: false }, true],
  ])('the rule judges %s importing $target', (path, fact, breaks) => {
    expect(importBreaksRule(path, fact)).toBe(breaks);
  });

  test('of packages come from the production dependencies, each in one file', () => {
    const manifest: { dependencies: Record<string, string> } = JSON.parse(readProjectFile('package.json'));
    const importers = new Map<string, Set<string>>();
    for (const { path, imports } of product) {
      for (const { target, own, typeOnly } of imports) {
        if (own || typeOnly || target.startsWith('node:')) continue;
        const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
        importers.set(name, (importers.get(name) ?? new Set()).add(path));
      }
    }
    const undeclared = [...importers.keys()].filter((name) => manifest.dependencies[name] === undefined);
    const scattered = [...importers]
      .filter(([name, paths]) => paths.size > 1 && [...paths].some((path) => !SEVERAL_IMPORTERS[name]?.files.includes(path)))
      .map(([name, paths]) => `${name}: ${[...paths].join(', ')}`);
    expect({ undeclared, scattered }).toEqual({ undeclared: [], scattered: [] });
  });

  test('of Node modules are written with node:, and every dependency version is pinned', () => {
    const manifest: Record<string, Record<string, string>> = JSON.parse(readProjectFile('package.json'));
    const versions = Object.entries({ ...manifest['dependencies'], ...manifest['devDependencies'] });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    expect(listImports(sources, (_, { target }) => /^(fs|net|path|os|crypto|process|stream|util|url|zlib)(\/|$)/.test(target))).toEqual([]);
  });
});

describe('circles', () => {
  const graph = new Map(product.map(({ path, imports }) => [path, imports.filter(({ own }) => own).map(({ target }) => target)] as const));

  test('no file imports itself by way of others, not even types', () => {
    expect(circles(graph)).toEqual([]);
  });

  test('a circle is found, and a way that only meets itself is none', () => {
    const edges = (pairs: readonly (readonly [string, string[]])[]): Map<string, string[]> => new Map(pairs.map(([a, b]) => [a, b]));
    expect(
      circles(
        edges([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual(['b -> c -> b']);
    expect(
      circles(
        edges([
          ['a', ['b', 'c']],
          ['b', ['d']],
          ['c', ['d']],
          ['d', []],
        ]),
      ),
    ).toEqual([]);
  });
});

/** One line for each circle that a walk meets. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at !== -1) found.push([...way.slice(at), path].join(' -> '));
    if (at !== -1 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return found;
}

describe('exports', () => {
  test('are each imported by another file, but for the entry points', () => {
    const unused = unusedExports(sources);
    expect(unused.filter((line) => ENTRY_POINTS[line] === undefined)).toEqual([]);
    expect(Object.keys(ENTRY_POINTS).filter((line) => !unused.includes(line))).toEqual([]);
  });

  test('are used by their own names, by all names of a file, or not at all', () => {
    const file = (path: string, imports: readonly [target: string, ...names: string[]][], exports: readonly string[]) => ({
      path,
      imports: imports.map(([target, ...names]) => ({ target, names, own: true, typeOnly: false })),
      exports: exports.map((name) => ({ name, line: 1 })),
    });
    const a = file('a.ts', [['a.ts', 'own']], ['used', 'own', 'idle']);
    const all = file('all.ts', [], ['one', 'two']);
    expect(
      unusedExports([
        a,
        all,
        file(
          'b.ts',
          [
            ['a.ts', 'used'],
            ['all.ts', '*'],
          ],
          [],
        ),
      ]),
    ).toEqual(['a.ts own', 'a.ts idle']);
  });
});

function unusedExports(facts: readonly Pick<SourceFacts, 'path' | 'imports' | 'exports'>[]): string[] {
  const used = new Set(
    facts.flatMap(({ path, imports }) =>
      imports.filter(({ own, target }) => own && target !== path).flatMap(({ target, names }) => names.map((name) => `${target} ${name}`)),
    ),
  );
  return facts.flatMap(({ path, exports }) =>
    used.has(`${path} *`) ? [] : exports.map(({ name }) => `${path} ${name}`).filter((line) => !used.has(line)),
  );
}

describe('the pure folders', () => {
  const pure = product.filter(({ path }) => PURE_FOLDERS.includes(folderOf(path)));

  test('read no clock, chance or environment, wait for nothing, print nothing', () => {
    const impure = pure.flatMap(({ path, globals }) =>
      globals.filter(({ name }) => IMPURE_GLOBALS.test(name)).map(({ name, line }) => `${path}:${line} ${name}`),
    );
    const waiting = pure.flatMap(({ path, asyncLines }) => asyncLines.map((line) => `${path}:${line} async`));
    expect([...impure, ...waiting]).toEqual([]);
  });

  test('import no I/O and no log', () => {
    const breaks = (_: string, { target, own, typeOnly }: ImportFact): boolean =>
      !typeOnly && (target === 'src/core/log.ts' || (!own && target.startsWith('node:') && !PURE_NODE_MODULES.includes(target)));
    expect(listImports(pure, breaks)).toEqual([]);
  });
});

describe('sizes and names', () => {
  test(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
    expect(sources.filter(({ lineCount }) => lineCount > FILE_LINES_MAX).map(({ path, lineCount }) => `${path} ${lineCount}`)).toEqual([]);
  });

  test(`no function is longer than ${FUNCTION_LINES_MAX} lines`, () => {
    const long = sources.flatMap(({ path, functions }) =>
      functions
        .filter(({ lineCount }) => lineCount > FUNCTION_LINES_MAX)
        .map(({ name, line, lineCount }) => `${path}:${line} ${name} ${lineCount}`),
    );
    expect(long).toEqual([]);
  });

  test(`no folder of src/ has more than ${FOLDER_FILES_MAX} files, tests aside`, () => {
    const byFolder = Map.groupBy(product, ({ path }) => dirname(path));
    expect([...byFolder].filter(([, of]) => of.length > FOLDER_FILES_MAX).map(([folder, of]) => `${folder} ${of.length}`)).toEqual([]);
  });

  test('what only tests use is not below src/', () => {
    const idle = sources.filter(({ path }) => path.startsWith('src/') && /(^|\/)test-[^/]*$/.test(path)).map(({ path }) => path);
    expect(idle).toEqual([]);
  });

  test('no file or folder has a name that says nothing, and all are kebab-case', () => {
    const own = files.filter((path) => /^(src|test|scripts|bench)\//.test(path) && /\.(ts|mjs)$/.test(path));
    expect(own.filter((path) => path.split('/').some((part) => FORBIDDEN_NAMES.test(part.replace(/\..*$/, ''))))).toEqual([]);
    expect(own.filter((path) => !/^[a-z0-9./-]+$/.test(path))).toEqual([]);
  });

  test('every file of the product opens with a comment that says what it owns', () => {
    expect(product.filter(({ text }) => !/^(#!.*\n)?\/(\*\*|\/)/.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test('`any` is nowhere, and `!` only where bounds are proved', () => {
    const any = sources.flatMap(({ path, anyLines }) => anyLines.map((line) => `${path}:${line}`));
    const nonNull = sources
      .filter(({ path }) => !NON_NULL_FILES.includes(path))
      .flatMap(({ path, nonNullLines }) => nonNullLines.map((line) => `${path}:${line}`));
    expect({ any, nonNull }).toEqual({ any: [], nonNull: [] });
  });
});

test('no file names a folder of one machine or the host of a package registry', () => {
  const private_ = [
    '/wo' + 'rk/',
    '/ro' + 'ot/',
    '/tmp/pl' + 'ay',
    'registry.npm' + 'js',
    'repo1.' + 'maven',
    'repo.' + 'maven',
    'deb.' + 'debian',
  ];
  const texts = files.filter((path) => !/\.(png|ico|bin|gz|snappy)$/.test(path));
  const found = texts.flatMap((path) => {
    const text = readProjectFile(path);
    return private_.filter((word) => text.includes(word)).map((word) => `${path}: ${word}`);
  });
  expect(found).toEqual([]);
});
