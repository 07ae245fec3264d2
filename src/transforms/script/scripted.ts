/**
 * Owns Filter and ContentBasedRouter, which ask an expression about each record.
 * Source: io.debezium.transforms.ScriptingTransformation, Filter, ContentBasedRouter.
 */
import { compileUserPattern } from '../../core/user-pattern.ts';
import type { EventView } from '../../events/event-view.ts';
import { whereThere } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { DROPPED, type Outcome, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { compileExpression } from './compile.ts';
import { LANGUAGES } from './language.ts';
import type { LanguageName } from './lexer.ts';
import { parseExpression } from './parser.ts';
import type { ScriptValue } from './values.ts';

const LANGUAGE_NAMES: ReadonlyMap<string, LanguageName> = new Map([
  ['jsr223.groovy', 'groovy'],
  ['jsr223.graal.js', 'javascript'],
]);

type Script = {
  readonly option: string;
  /** The answer that is remembered with what it leads to. */
  readonly answer: (value: ScriptValue) => string | null;
  readonly branch: (record: ShapedRecord, answer: string | null) => Outcome;
};

export function filter(settings: TransformSettings): Transform {
  return scripted(settings, {
    option: 'condition',
    answer: (value) => {
      if (typeof value !== 'boolean') throw new TransformError('the value returned by the expression is not a Boolean');
      return String(value);
    },
    branch: (record, answer) => (answer === 'true' ? recordOutcome(record) : DROPPED),
  });
}

export function contentBasedRouter(settings: TransformSettings): Transform {
  return scripted(settings, {
    option: 'topic.expression',
    answer: (value) => {
      if (value != null && typeof value !== 'string') throw new TransformError('the value returned by the expression is not a String');
      return value ?? null;
    },
    branch: (record, topic) => recordOutcome(topic === null ? record : { ...record, topic }),
  });
}

function scripted(settings: TransformSettings, { option, answer, branch }: Script): Transform {
  const written = settings.text('language', '');
  const name = LANGUAGE_NAMES.get(written);
  if (name === undefined) throw new TransformError(`language must be one of ${[...LANGUAGE_NAMES.keys()].join(', ')}`);
  const language = LANGUAGES[name];
  const source = settings.text(option, '');
  const expression = parseExpression(source, name);
  const topicRegex = settings.optional('topic.regex');
  const topics = topicRegex === undefined ? undefined : compileUserPattern(topicRegex, '');
  const nullMode = settings.text('null.handling.mode', 'keep').trim().toLowerCase();
  if (!['keep', 'drop', 'evaluate'].includes(nullMode)) throw new TransformError('null.handling.mode must be one of keep, drop, evaluate');

  const evaluated = (record: ShapedRecord): Outcome => {
    const evaluate = compileExpression(expression, record, language);
    const read = (event: EventView): string | null => {
      try {
        return answer(evaluate(event));
      } catch (error) {
        if (!(error instanceof TransformError)) throw error;
        throw new TransformError(`Error while evaluating expression '${source}': ${error.message}`);
      }
    };
    return { tag: 'fork', read, branch: (found) => branch(record, found) };
  };
  const ofNull = (record: ShapedRecord): Outcome => {
    if (nullMode === 'evaluate') return evaluated(record);
    return nullMode === 'keep' ? recordOutcome(record) : DROPPED;
  };
  return (record) => {
    if (topics !== undefined && !topics.test(record.topic)) return recordOutcome(record);
    return whereThere(record, 'value', { present: () => evaluated(record), absent: () => ofNull(record) });
  };
}
