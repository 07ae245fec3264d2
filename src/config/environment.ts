/**
 * Owns `${env:NAME}`, `${file:PATH}`, `${file:PATH:KEY}` and `${dir:PATH:NAME}` in values. The environment and the
 * file system are handed in. A substituted text is not looked at again: what it holds is never substituted.
 */

import { readFileSync } from 'node:fs';
import { parseProperties } from './properties.ts';

export type ConfigEnvironment = {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws as node:fs does. */
  readonly readFile: (path: string) => string;
};

export function systemEnvironment(variables: Readonly<Record<string, string | undefined>>): ConfigEnvironment {
  return { variables, readFile: (path) => readFileSync(path, 'utf8') };
}

type Substituted = { readonly text: string; readonly problems: readonly string[] };

const PLACEHOLDER = /\$\{([A-Za-z][A-Za-z0-9_-]*):([^}]*)\}/g;

/** `providers`: config.providers of Connect, from the name to one of ours or to a class. */
export function substitute(text: string, environment: ConfigEnvironment, providers: ReadonlyMap<string, string> = new Map()): Substituted {
  const problems: string[] = [];
  const replaced = text.replace(PLACEHOLDER, (_, provider: string, argument: string) => {
    const found = lookUp(providers.get(provider) ?? provider, argument, environment);
    if (found.problem !== undefined) problems.push(found.problem);
    return found.text;
  });
  return { text: replaced, problems };
}

type Found = { readonly text: string; readonly problem: string | undefined };

function lookUp(provider: string, argument: string, environment: ConfigEnvironment): Found {
  switch (provider) {
    case 'env':
      return lookUpVariable(argument, environment);
    case 'file':
      return lookUpFile(argument, environment);
    case 'dir':
    case 'directory':
      return lookUpFolder(argument, environment);
    default:
      return failed(provideOtherwise(provider));
  }
}

/** Connect's own providers and Strimzi's, by class: a config may give them any name. */
const PROVIDER_CLASSES: Readonly<Record<string, string>> = {
  'org.apache.kafka.common.config.provider.EnvVarConfigProvider': 'env',
  'org.apache.kafka.common.config.provider.FileConfigProvider': 'file',
  'org.apache.kafka.common.config.provider.DirectoryConfigProvider': 'dir',
  'io.strimzi.kafka.EnvVarConfigProvider': 'env',
};

/** What the names of config.providers stand for. */
export function providersOf(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const providers = new Map<string, string>();
  for (const [key, text] of texts) {
    const name = /^config\.providers\.([^.]+)\.class$/.exec(key)?.[1];
    if (name !== undefined) providers.set(name, PROVIDER_CLASSES[text.trim()] ?? text.trim());
  }
  return providers;
}

/** Stores that are not read, by a word of the provider's name or class. */
const STORES: readonly { readonly find: RegExp; readonly from: string }[] = [
  {
    find: /kubernetessecret|^(strimzi)?secrets?$/i,
    from: 'mount the Kubernetes secret as files and write ${dir:PATH:KEY}, or give it as a variable and write ${env:NAME}',
  },
  { find: /kubernetesconfigmap|^configmaps?$/i, from: 'mount the config map as files and write ${dir:PATH:KEY}' },
  {
    find: /secrets?-?manager|ssm|vault|azure|gcp|aws/i,
    from: 'let what starts the process fetch it, as a variable (${env:NAME}) or a file (${file:PATH})',
  },
];

function provideOtherwise(provider: string): string {
  const store = STORES.find(({ find }) => find.test(provider));
  const name = provider.slice(provider.lastIndexOf('.') + 1);
  return store === undefined ? `there is no config provider named ${name}: use env, file or dir` : `${name} is not read: ${store.from}`;
}

/** Connect's provider for variables takes an empty path: `${env::NAME}`. */
function lookUpVariable(argument: string, environment: ConfigEnvironment): Found {
  const name = argument.startsWith(':') ? argument.slice(1) : argument;
  const value = environment.variables[name];
  return value === undefined ? failed(`the environment variable ${name} is not set`) : { text: value, problem: undefined };
}

function lookUpFile(argument: string, environment: ConfigEnvironment): Found {
  const colon = argument.lastIndexOf(':');
  if (colon <= 0) return readText(argument, environment);
  const path = argument.slice(0, colon);
  const key = argument.slice(colon + 1);
  const file = readText(path, environment);
  if (file.problem !== undefined) return file;
  const value = parseProperties(file.text).get(key);
  return value === undefined ? failed(`the file ${path} has no key ${key}`) : { text: value, problem: undefined };
}

function lookUpFolder(argument: string, environment: ConfigEnvironment): Found {
  const colon = argument.lastIndexOf(':');
  if (colon <= 0) return failed('dir needs a folder and a name, separated by a colon');
  return readText(`${argument.slice(0, colon)}/${argument.slice(colon + 1)}`, environment);
}

/** Returns the file without a final line end: editors and `echo` add one, and no password has one. */
function readText(path: string, environment: ConfigEnvironment): Found {
  try {
    return { text: environment.readFile(path).replace(/\r?\n$/, ''), problem: undefined };
  } catch (error) {
    return failed(`the file ${path} cannot be read (${errorName(error)})`);
  }
}

export function errorName(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'error';
}

function failed(reason: string): Found {
  return { text: '', problem: reason };
}
