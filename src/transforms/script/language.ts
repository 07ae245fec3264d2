/**
 * Owns what the operators and methods of an expression mean in Groovy and in JavaScript. What cannot be told, as whether two structs are equal,
 * is an error. Source: org.codehaus.groovy.runtime.typehandling.DefaultTypeTransformation; ECMA-262.
 */
import { TransformError } from '../shaped-record.ts';
import type { LanguageName } from './lexer.ts';
import { compareNumbers, doubleOf, isNumber, numberText, type ScriptNumber, type ScriptValue } from './values.ts';

export type Language = {
  readonly name: LanguageName;
  readonly isTrue: (value: ScriptValue) => boolean;
  readonly equal: (left: ScriptValue, right: ScriptValue) => boolean;
  /** NaN: neither is less. */
  readonly compare: (left: ScriptValue, right: ScriptValue) => number;
  readonly text: (value: ScriptValue) => string;
  readonly call: (target: Exclude<ScriptValue, null | undefined>, method: string, args: readonly ScriptValue[]) => ScriptValue;
};

function unsupported(what: string): TransformError {
  return new TransformError(what);
}

function isObject(value: ScriptValue): boolean {
  return typeof value === 'object' && value !== null && !isNumber(value);
}

/** As Java's Double.compare: a NaN is equal to itself and above all, and -0.0 is below 0.0. */
function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return Number(Object.is(right, -0)) - Number(Object.is(left, -0));
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function groovyNumbers(left: ScriptNumber, right: ScriptNumber): number {
  return left.tag === 'float' || right.tag === 'float' ? compareDoubles(doubleOf(left), doubleOf(right)) : compareNumbers(left, right);
}

/** Groovy takes a text of one letter beside a number for that letter's code. */
function letterCode(value: ScriptValue): ScriptNumber | undefined {
  if (typeof value !== 'string' || value.length !== 1) return undefined;
  return { tag: 'integer', type: 'int32', value: BigInt(value.charCodeAt(0)) };
}

/** Undefined: the two do not compare. */
function groovyOrder(left: ScriptValue, right: ScriptValue): number | undefined {
  if (left == null || right == null) return Number(left != null) - Number(right != null);
  if (isObject(left) || isObject(right)) throw unsupported('structs, lists and dates are compared with null only');
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  const [one, other] = [isNumber(left) ? left : letterCode(left), isNumber(right) ? right : letterCode(right)];
  return one === undefined || other === undefined ? undefined : groovyNumbers(one, other);
}

/** Java's equals: of one class, and alike. */
function javaEqual(left: ScriptValue, right: ScriptValue): boolean {
  if (left == null || right == null) return left == null && right == null;
  if (isObject(left) || isObject(right)) throw unsupported('structs, lists and dates are compared with null only');
  if (!isNumber(left) || !isNumber(right)) return left === right;
  if (left.tag === 'decimal' && right.tag === 'decimal') return left.scale === right.scale && left.unscaled === right.unscaled;
  if (left.tag === 'decimal' || right.tag === 'decimal') return false;
  return left.type === right.type && groovyNumbers(left, right) === 0;
}

const GROOVY: Language = {
  name: 'groovy',
  isTrue: (value) => {
    if (value == null || typeof value === 'boolean') return value === true;
    if (typeof value === 'string') return value !== '';
    switch (value.tag) {
      case 'object':
        return !value.isEmpty;
      case 'list':
        return value.items.length > 0;
      case 'matcher':
        return value.found;
      default:
        return doubleOf(value) !== 0;
    }
  },
  equal: (left, right) => groovyOrder(left, right) === 0,
  compare: (left, right) => {
    const order = groovyOrder(left, right);
    if (order === undefined) throw unsupported('a number and a text do not compare');
    return order;
  },
  text: (value) => textOf(value, numberText),
  call: (target, method, args) => {
    const [argument] = args;
    if (method === 'equals') return javaEqual(target, argument);
    if (method === 'contains' && typeof target === 'object' && target.tag === 'list')
      return target.items.some((item) => javaEqual(item, argument));
    if (method === 'toString') return GROOVY.text(target);
    return textMethod(target, method, argument);
  },
};

const JAVASCRIPT: Language = {
  name: 'javascript',
  isTrue: (value) => {
    if (value == null || typeof value === 'boolean') return value === true;
    if (typeof value === 'string') return value !== '';
    return !isNumber(value) || (doubleOf(value) !== 0 && !Number.isNaN(doubleOf(value)));
  },
  equal: (left, right) => {
    if (left == null || right == null) return left == null && right == null;
    if (typeof left === 'string' && typeof right === 'string') return left === right;
    return plainNumber(left) === plainNumber(right);
  },
  compare: (left, right) => {
    if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
    const [one, other] = [plainNumber(left), plainNumber(right)];
    return one === other ? 0 : one - other;
  },
  text: (value) => textOf(value, (number) => (number.tag === 'float' ? String(number.value) : numberText(number))),
  call: (target, method, args) => {
    const [argument] = args;
    if (method === 'includes' && typeof target === 'object' && target.tag === 'list')
      return target.items.some((item) => strictlyEqual(item, argument));
    if (method === 'toString') return JAVASCRIPT.text(target);
    return textMethod(target, method, argument);
  },
};

export const LANGUAGES: Readonly<Record<LanguageName, Language>> = { groovy: GROOVY, javascript: JAVASCRIPT };

/** JavaScript's ===. */
export function strictlyEqual(left: ScriptValue, right: ScriptValue): boolean {
  if (isNumber(left) && isNumber(right)) return plainNumber(left) === plainNumber(right);
  if (isObject(left) && isObject(right)) throw unsupported('structs, lists and dates are compared with null only');
  return left === right;
}

/** ECMA-262's ToNumber. Decimals are Java's objects there. */
function plainNumber(value: ScriptValue): number {
  if (isNumber(value) && value.tag !== 'decimal') return Number(value.value);
  if (value === undefined) return Number.NaN;
  if (value === null || typeof value !== 'object') return Number(value);
  throw unsupported('structs, lists, dates and decimals are compared with null only');
}

function textOf(value: ScriptValue, print: (number: ScriptNumber) => string): string {
  if (isNumber(value)) return print(value);
  if (typeof value === 'object' && value !== null) throw unsupported('a struct, list or date has no text here');
  return String(value);
}

function textMethod(target: ScriptValue, method: string, argument: ScriptValue): ScriptValue {
  if (typeof target !== 'string') throw unsupported(`${method} is asked of something that is no text`);
  switch (method) {
    case 'toLowerCase':
      return target.toLowerCase();
    case 'toUpperCase':
      return target.toUpperCase();
    case 'trim':
      return target.trim();
    case 'isEmpty':
      return target === '';
    case 'length':
      return { tag: 'integer', type: 'int32', value: BigInt(target.length) };
    case 'equalsIgnoreCase':
      return typeof argument === 'string' && target.toUpperCase().toLowerCase() === argument.toUpperCase().toLowerCase();
  }
  if (typeof argument !== 'string') throw unsupported(`${method} is given something that is no text`);
  if (method === 'startsWith') return target.startsWith(argument);
  return method === 'endsWith' ? target.endsWith(argument) : target.includes(argument);
}
