/**
 * Owns the way from an expression to a function of a record: paths are looked up once, in the shape of the record, and only the fields that the
 * expression names are read. A field that is not there is an error only where it is read.
 */
import { compileUserPattern } from '../../core/user-pattern.ts';
import type { EventView } from '../../events/event-view.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import { memberOfNullable, nullnessOf } from '../nullness.ts';
import { readerOf } from '../read-value.ts';
import { type ShapedRecord, TransformError } from '../shaped-record.ts';
import { type Language, strictlyEqual } from './language.ts';
import type { BinaryOperator, Expression } from './parser.ts';
import { numberLiteral, OBJECT, type ScriptValue, scriptValue } from './values.ts';

type Evaluate = (event: EventView) => ScriptValue;

type Compiled = {
  readonly evaluate: Evaluate;
  /** Of a value that may have members. */
  readonly shape?: ValueShape;
};

type Context = { readonly record: ShapedRecord; readonly language: Language };

export function compileExpression(expression: Expression, record: ShapedRecord, language: Language): Evaluate {
  return compiled(expression, { record, language }).evaluate;
}

function compiled(expression: Expression, context: Context): Compiled {
  const { language } = context;
  const compile = (one: Expression): Evaluate => compiled(one, context).evaluate;
  switch (expression.tag) {
    case 'literal':
      return constantly(expression.value);
    case 'number':
      return constantly(numberLiteral(expression.text, expression.type));
    case 'list': {
      const items = expression.items.map(compile);
      return { evaluate: (event) => ({ tag: 'list', items: items.map((item) => item(event)) }) };
    }
    case 'root':
      return rootValue(expression.root, context.record);
    case 'member':
      return memberValue(expression, context);
    case 'call':
      return { evaluate: call(expression, context) };
    case 'not': {
      const operand = compile(expression.operand);
      return { evaluate: (event) => !language.isTrue(operand(event)) };
    }
    case 'binary':
      return { evaluate: binary(expression.operator, { left: compile(expression.left), right: compile(expression.right), language }) };
    case 'in': {
      const [left, list] = [compile(expression.left), compile(expression.list)];
      return { evaluate: (event) => contained(left(event), list(event), language) };
    }
    case 'match':
      return { evaluate: match(expression, compile(expression.left), language) };
    case 'choice': {
      const [condition, then, otherwise] = [compile(expression.condition), compile(expression.then), compile(expression.otherwise)];
      return { evaluate: (event) => (language.isTrue(condition(event)) ? then(event) : otherwise(event)) };
    }
  }
}

function constantly(value: ScriptValue): Compiled {
  return { evaluate: () => value };
}

function failing(reason: string): Compiled {
  return {
    evaluate: () => {
      throw new TransformError(reason);
    },
  };
}

function rootValue(root: Extract<Expression, { tag: 'root' }>['root'], record: ShapedRecord): Compiled {
  switch (root) {
    case 'topic':
      return constantly(record.topic);
    case 'key':
    case 'value':
      return shapeValue(record[root], record);
    case 'header':
      return constantly(OBJECT);
    case 'keySchema':
      return constantly(record.key === undefined ? null : OBJECT);
    case 'valueSchema':
      return constantly(record.value === undefined ? null : OBJECT);
  }
}

function shapeValue(shape: ValueShape | undefined, { kind }: ShapedRecord): Compiled {
  if (shape === undefined) return constantly(null);
  if (shape.schema.type !== 'struct') {
    const read = readerOf(shape, { substituted: true });
    return { evaluate: (event) => scriptValue(shape.schema, read(event)) };
  }
  const isNull = nullnessOf(shape, kind);
  if (typeof isNull === 'boolean') return { evaluate: () => (isNull ? null : OBJECT), shape };
  return { evaluate: (event) => (isNull(event) ? null : OBJECT), shape };
}

function memberValue({ target, name, safe }: Extract<Expression, { tag: 'member' }>, context: Context): Compiled {
  const { record, language } = context;
  if (target.tag === 'root' && target.root === 'header') return headerMember(name, record);
  if (target.tag === 'root' && (target.root === 'keySchema' || target.root === 'valueSchema'))
    return schemaMember(record[target.root === 'keySchema' ? 'key' : 'value'], name, safe);
  const parent = compiled(target, context);
  const { shape } = parent;
  if (shape === undefined) return guarded(parent.evaluate, { safe, name }, failing(`${name} is asked of something that has no fields`));
  const member = memberOfNullable(shape, name, { kind: record.kind, purpose: 'expression', substitutes: true });
  if (member === undefined) {
    const missing = language.name === 'groovy' ? failing(`${name} is not a valid field name`) : constantly(undefined);
    return guarded(parent.evaluate, { safe, name }, missing);
  }
  return guarded(parent.evaluate, { safe, name }, shapeValue(member, record));
}

/** A member of null is an error, or null where the access is safe. */
function guarded(parent: Evaluate, { safe, name }: { readonly safe: boolean; readonly name: string }, member: Compiled): Compiled {
  const evaluate = (event: EventView): ScriptValue => {
    if (parent(event) != null) return member.evaluate(event);
    if (safe) return null;
    throw new TransformError(`Cannot get property '${name}' on null object`);
  };
  return member.shape === undefined ? { evaluate } : { evaluate, shape: member.shape };
}

/** The last of equal names, as in Debezium's map: a struct of `value`. */
function headerMember(name: string, record: ShapedRecord): Compiled {
  const header = record.headers.entries.findLast((one) => one.name === name);
  if (header === undefined) return constantly(null);
  // The key of the other half of a key change is a struct that is made with the record.
  if (header.value === 'other key') return failing(`the header ${name} cannot be read`);
  const field = { field: 'value', schema: header.value.schema, origin: header.value.origin };
  const schema = { type: 'struct', optional: false, fields: [{ field: 'value', schema: field.schema }] } as const;
  return { evaluate: () => OBJECT, shape: { schema, origin: { from: 'struct', fields: [field] } } };
}

function schemaMember(shape: ValueShape | undefined, name: string, safe: boolean): Compiled {
  if (name !== 'name') return failing(`${name} of a schema cannot be read`);
  if (shape !== undefined) return constantly(shape.schema.name ?? null);
  return safe ? constantly(null) : failing("Cannot get property 'name' on null object");
}

function call({ target, method, args, safe }: Extract<Expression, { tag: 'call' }>, context: Context): Evaluate {
  const { language } = context;
  const read = compiled(target, context).evaluate;
  if (method === 'matches') {
    const [pattern] = args;
    const regex = compileUserPattern(pattern?.tag === 'literal' ? String(pattern.value) : '', '');
    return (event) => matchesText(read(event), { test: (text) => regex.test(text), safe });
  }
  const readArgs = args.map((arg) => compiled(arg, context).evaluate);
  return (event) => {
    const value = read(event);
    const given = readArgs.map((arg) => arg(event));
    if (value != null) return language.call(value, method, given);
    if (safe) return null;
    if (language.name === 'groovy' && method === 'equals') return given[0] == null;
    if (language.name === 'groovy' && method === 'toString') return 'null';
    throw new TransformError(`Cannot invoke method ${method}() on null object`);
  };
}

type Test = { readonly test: (text: string) => boolean; readonly safe: boolean };

function matchesText(value: ScriptValue, { test, safe }: Test): ScriptValue {
  if (value == null && safe) return null;
  if (typeof value !== 'string') throw new TransformError('matches is asked of something that is no text');
  return test(value);
}

function match({ pattern, whole }: Extract<Expression, { tag: 'match' }>, left: Evaluate, { text }: Language): Evaluate {
  const regex = compileUserPattern(whole ? pattern : `[\\s\\S]*(?:${pattern})[\\s\\S]*`, '');
  return (event) => {
    const value = left(event);
    // Groovy finds within the text of a null, and takes it for no match of a whole.
    const found = !(whole && value == null) && regex.test(text(value));
    return whole ? found : { tag: 'matcher', found };
  };
}

function contained(value: ScriptValue, list: ScriptValue, { call: ask }: Language): ScriptValue {
  if (typeof list !== 'object' || list === null || list.tag !== 'list')
    throw new TransformError('in is asked of something that is no list');
  return ask(list, 'contains', [value]);
}

type Operands = { readonly left: Evaluate; readonly right: Evaluate; readonly language: Language };

function binary(operator: BinaryOperator, { left, right, language }: Operands): Evaluate {
  switch (operator) {
    case '==':
      return (event) => language.equal(left(event), right(event));
    case '!=':
      return (event) => !language.equal(left(event), right(event));
    case '===':
      return (event) => strictlyEqual(left(event), right(event));
    case '!==':
      return (event) => !strictlyEqual(left(event), right(event));
    case '<':
      return (event) => language.compare(left(event), right(event)) < 0;
    case '<=':
      return (event) => language.compare(left(event), right(event)) <= 0;
    case '>':
      return (event) => language.compare(left(event), right(event)) > 0;
    case '>=':
      return (event) => language.compare(left(event), right(event)) >= 0;
    case '+':
      return (event) => concatenated(left(event), right(event), language);
    default:
      return chosen(operator, { left, right, language });
  }
}

/** Groovy's `&&` and `||` give a truth value, JavaScript's one of their operands. */
function chosen(operator: '&&' | '||' | '??' | '?:', { left, right, language }: Operands): Evaluate {
  const { isTrue } = language;
  const asResult = (value: ScriptValue): ScriptValue => (language.name === 'groovy' ? isTrue(value) : value);
  switch (operator) {
    case '&&':
      return (event) => {
        const value = left(event);
        return asResult(isTrue(value) ? right(event) : value);
      };
    case '||':
      return (event) => {
        const value = left(event);
        return asResult(isTrue(value) ? value : right(event));
      };
    case '??':
      return (event) => left(event) ?? right(event);
    case '?:':
      return (event) => {
        const value = left(event);
        return isTrue(value) ? value : right(event);
      };
  }
}

function concatenated(left: ScriptValue, right: ScriptValue, { name, text }: Language): string {
  if (name === 'groovy' && typeof left === 'boolean') throw new TransformError('nothing can be joined to a truth value');
  if (typeof left !== 'string' && typeof right !== 'string') throw new TransformError('+ joins texts only');
  return text(left) + text(right);
}
