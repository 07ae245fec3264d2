/** The house rules for documents and comments: links lead somewhere, and every file that is named exists. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_DIR, projectFiles, readProjectFile } from './harness/source-facts.ts';

const files = projectFiles();
const documents = files.filter((path) => path.endsWith('.md'));
/** Decision records tell of a moment: they name files as these were called then. */
const HISTORY = /^docs\/adr\//;

describe('documents', () => {
  test('link only to files and headings that exist', () => {
    const broken = documents.flatMap((path) =>
      relativeLinks(readProjectFile(path))
        .filter((link) => !linkResolves(path, link))
        .map((link) => `${path}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  test('a broken link, a missing heading and a whole one are told apart', () => {
    expect(relativeLinks('[a](x.md) `[code](y.md)` [b](https://example.org) ![i](p.png "title") [c](<d e.md>)')).toEqual([
      'x.md',
      'p.png',
      'd e.md',
    ]);
    expect(linkResolves('package.json', 'no-such-file.md')).toBe(false);
    expect(linkResolves('package.json', 'LICENSE')).toBe(true);
    expect(headingSlugs('# A `b` C!\n## A b C\n')).toEqual(new Set(['a-b-c', 'a-b-c-1']));
  });
});

describe('paths', () => {
  const known = knownPaths(files);

  test('in documents name files and folders that exist', () => {
    const present = documents.filter((path) => !HISTORY.test(path));
    const stale = present.flatMap((path) =>
      [...namedFiles(readProjectFile(path)), ...namedFolders(readProjectFile(path))]
        .filter((name) => !known.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(stale).toEqual([]);
  });

  test('in comments name files that exist', () => {
    const stale = files
      .filter((path) => /\.(ts|mjs)$/.test(path))
      .flatMap((path) =>
        namedFiles(commentLines(readProjectFile(path)))
          .filter((name) => !known.has(name))
          .map((name) => `${path}: ${name}`),
      );
    expect(stale).toEqual([]);
  });

  test('are known by any end of the path, and patterns are no paths', () => {
    expect(knownPaths(['src/a/b.ts'])).toEqual(new Set(['src/a/b.ts', 'a/b.ts', 'b.ts', 'src/', 'src/a/', 'a/']));
    expect(namedFiles('see a/b.ts, ../c.mjs, *-d.ts, /opt/e.mjs and {f,g}-h.ts')).toEqual(['a/b.ts', 'c.mjs']);
    expect(namedFolders('`src/a/` and `x` or a/b/')).toEqual(['src/a/']);
    expect(commentLines("/** a.ts */\nconst b = 'c.ts';\n// d.ts")).toBe('/** a.ts */\n// d.ts');
  });
});

/** Every file and folder by each end of its path. */
function knownPaths(paths: readonly string[]): ReadonlySet<string> {
  const ends = (parts: readonly string[]): string[] => parts.map((_, from) => parts.slice(from).join('/'));
  return new Set(
    paths.flatMap((path) => {
      const parts = path.split('/');
      const folders = parts.slice(0, -1).flatMap((_, last) => ends(parts.slice(0, last + 1)).map((folder) => `${folder}/`));
      return [...ends(parts), ...folders];
    }),
  );
}

/** Source files as a text names them, without `../` in front. Absolute paths and patterns are left out. */
function namedFiles(text: string): string[] {
  return [...text.matchAll(/[\w.*{},/-]*\w\.(?:ts|mjs)\b/g)]
    .map(([name]) => name.replace(/^(\.\.?\/)+/, ''))
    .filter((name) => !/[*{}]|^[/-]/.test(name));
}

/** Folders that a document names in code style. */
function namedFolders(markdown: string): string[] {
  return [...markdown.matchAll(/`([\w-]+(?:\/[\w-]+)*\/)`/g)].map(([, name = '']) => name);
}

function commentLines(source: string): string {
  return source
    .split('\n')
    .filter((line) => /^\s*(\/\*\*|\*|\/\/)/.test(line))
    .join('\n');
}

/** Targets of inline links that are neither absolute nor in code. */
function relativeLinks(markdown: string): string[] {
  const prose = markdown.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\((?:<([^>]+)>|([^()\s]+(?:\([^()\s]*\))?))(?:\s+"[^"]*")?\)/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  return targets.filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

function linkResolves(path: string, link: string): boolean {
  const [file = '', anchor] = link.split('#', 2);
  const target = file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file)));
  if (target.startsWith('..') || !existsSync(join(PROJECT_DIR, target))) return false;
  if (anchor === undefined || anchor === '' || !basename(target).endsWith('.md')) return true;
  const text = readProjectFile(target);
  return headingSlugs(text).has(anchor) || text.includes(`<a id="${anchor}"`);
}

/** As GitHub makes them: lower case, no punctuation, spaces to hyphens, a number for a repeated one. */
function headingSlugs(markdown: string): ReadonlySet<string> {
  const slugs = new Set<string>();
  const prose = markdown.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '');
  for (const [, heading = ''] of prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const base = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    let slug = base;
    for (let number = 1; slugs.has(slug); number++) slug = `${base}-${number}`;
    slugs.add(slug);
  }
  return slugs;
}
