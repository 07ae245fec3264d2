/**
 * Owns the grammar of conditions and topic expressions: what Groovy and JavaScript write alike, and a little of each. It is closed: every name,
 * method and operator that it does not know is refused by its column.
 */
import { type LanguageName, type NumberType, refuse, type Token, tokensOf } from './lexer.ts';

const ROOTS = ['value', 'key', 'topic', 'header', 'valueSchema', 'keySchema'] as const;
type Root = (typeof ROOTS)[number];

export type BinaryOperator = '==' | '!=' | '===' | '!==' | '<' | '<=' | '>' | '>=' | '+' | '&&' | '||' | '??' | '?:';

export type Expression =
  | { readonly tag: 'literal'; readonly value: string | boolean | null }
  | { readonly tag: 'number'; readonly text: string; readonly type: NumberType }
  | { readonly tag: 'list'; readonly items: readonly Expression[] }
  | { readonly tag: 'root'; readonly root: Root }
  /** `safe`: a member of null is null. */
  | { readonly tag: 'member'; readonly target: Expression; readonly name: string; readonly safe: boolean }
  | {
      readonly tag: 'call';
      readonly target: Expression;
      readonly method: string;
      readonly args: readonly Expression[];
      readonly safe: boolean;
    }
  | { readonly tag: 'not'; readonly operand: Expression }
  | { readonly tag: 'binary'; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression }
  | { readonly tag: 'in'; readonly left: Expression; readonly list: Expression }
  /** `whole`: `==~`; otherwise `=~`, of which only the truth is asked. */
  | { readonly tag: 'match'; readonly left: Expression; readonly pattern: string; readonly whole: boolean }
  | { readonly tag: 'choice'; readonly condition: Expression; readonly then: Expression; readonly otherwise: Expression };

/** Methods with the number of their arguments. */
const METHODS: Readonly<Record<LanguageName, ReadonlyMap<string, number>>> = {
  groovy: new Map([
    ['equals', 1],
    ['equalsIgnoreCase', 1],
    ['contains', 1],
    ['startsWith', 1],
    ['endsWith', 1],
    ['matches', 1],
    ['toLowerCase', 0],
    ['toUpperCase', 0],
    ['trim', 0],
    ['isEmpty', 0],
    ['length', 0],
    ['toString', 0],
  ]),
  javascript: new Map([
    ['includes', 1],
    ['startsWith', 1],
    ['endsWith', 1],
    ['toLowerCase', 0],
    ['toUpperCase', 0],
    ['trim', 0],
    ['toString', 0],
  ]),
};

/** Throws TransformError. */
export function parseExpression(source: string, language: LanguageName): Expression {
  const parser = new Parser(tokensOf(source, language), language);
  return parser.whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #language: LanguageName;
  #at = 0;

  constructor(tokens: readonly Token[], language: LanguageName) {
    this.#tokens = tokens;
    this.#language = language;
  }

  whole(): Expression {
    const expression = this.#expression();
    while (this.#takes(';'));
    if (this.#token.tag !== 'end') refuse(`unexpected ${described(this.#token)}`, this.#token);
    return expression;
  }

  get #token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #takes(symbol: string): boolean {
    const token = this.#token;
    if (token.tag !== 'symbol' || token.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #takesOne<T extends string>(symbols: readonly T[]): T | undefined {
    return symbols.find((symbol) => this.#takes(symbol));
  }

  #expect(symbol: string): void {
    if (!this.#takes(symbol)) refuse(`${symbol} is missing before ${described(this.#token)}`, this.#token);
  }

  #takesWord(word: string): boolean {
    const token = this.#token;
    if (token.tag !== 'name' || token.text !== word) return false;
    this.#at++;
    return true;
  }

  #expression(): Expression {
    const condition = this.#or();
    if (this.#takes('?:')) return { tag: 'binary', operator: '?:', left: condition, right: this.#expression() };
    if (!this.#takes('?')) return condition;
    const then = this.#expression();
    this.#expect(':');
    return { tag: 'choice', condition, then, otherwise: this.#expression() };
  }

  #or(): Expression {
    let left = this.#and();
    for (let operator = this.#takesOne(['||', '??']); operator !== undefined; operator = this.#takesOne(['||', '??'])) {
      left = { tag: 'binary', operator, left, right: this.#and() };
    }
    return left;
  }

  #and(): Expression {
    let left = this.#match();
    while (this.#takes('&&')) left = { tag: 'binary', operator: '&&', left, right: this.#match() };
    return left;
  }

  #match(): Expression {
    let left = this.#equality();
    for (let operator = this.#takesOne(['==~', '=~']); operator !== undefined; operator = this.#takesOne(['==~', '=~'])) {
      left = { tag: 'match', left, pattern: this.#pattern(), whole: operator === '==~' };
    }
    return left;
  }

  #equality(): Expression {
    let left = this.#relation();
    for (;;) {
      const operator = this.#takesOne(['==', '!=', '===', '!==']);
      if (operator === undefined) return left;
      left = { tag: 'binary', operator, left, right: this.#relation() };
    }
  }

  #relation(): Expression {
    let left = this.#sum();
    for (;;) {
      const operator = this.#takesOne(['<=', '>=', '<', '>']);
      if (operator !== undefined) left = { tag: 'binary', operator, left, right: this.#sum() };
      else if (this.#takesIn()) left = { tag: 'in', left, list: this.#sum() };
      else return left;
    }
  }

  #takesIn(): boolean {
    const token = this.#token;
    if (!this.#takesWord('in')) return false;
    if (this.#language === 'javascript') refuse('in asks for a property there', token);
    return true;
  }

  #sum(): Expression {
    let left = this.#unary();
    while (this.#takes('+')) left = { tag: 'binary', operator: '+', left, right: this.#unary() };
    if (this.#token.tag === 'symbol' && this.#token.text === '-') refuse('unexpected -', this.#token);
    return left;
  }

  #unary(): Expression {
    if (this.#takes('!')) return { tag: 'not', operand: this.#unary() };
    const token = this.#token;
    if (this.#takes('-')) {
      const operand = this.#primary();
      return operand.tag === 'number' ? { ...operand, text: `-${operand.text}` } : refuse('unexpected -', token);
    }
    return this.#postfix(this.#primary());
  }

  #primary(): Expression {
    const token = this.#token;
    this.#at++;
    switch (token.tag) {
      case 'text':
        return { tag: 'literal', value: token.text };
      case 'number':
        return { tag: 'number', text: token.text, type: token.type };
      case 'name':
        return named(token.text, token);
      case 'symbol':
        if (token.text === '(') return this.#closed(this.#expression(), ')');
        return token.text === '[' ? { tag: 'list', items: this.#items(']') } : refuse(`unexpected ${token.text}`, token);
      case 'end':
        return refuse('it ends here', token);
    }
  }

  #closed(expression: Expression, symbol: string): Expression {
    this.#expect(symbol);
    return expression;
  }

  #items(end: string): readonly Expression[] {
    const items: Expression[] = [];
    if (this.#takes(end)) return items;
    do items.push(this.#expression());
    while (this.#takes(','));
    this.#expect(end);
    return items;
  }

  #postfix(primary: Expression): Expression {
    let target = primary;
    for (;;) {
      const token = this.#token;
      if (this.#takes('[')) {
        const name = this.#text();
        this.#expect(']');
        target = member({ target, name, safe: this.#cuts(target) }, token);
        continue;
      }
      const dot = this.#takesOne(['?.', '.']);
      if (dot === undefined) return target;
      target = this.#member(target, dot === '?.' || this.#cuts(target));
    }
  }

  /** JavaScript's `?.` ends the whole chain at a null, Groovy's only its own step. */
  #cuts(target: Expression): boolean {
    return this.#language === 'javascript' && (target.tag === 'member' || target.tag === 'call') && target.safe;
  }

  #member(target: Expression, safe: boolean): Expression {
    const token = this.#token;
    this.#at++;
    if (token.tag !== 'name' && token.tag !== 'text') return refuse(`a name is missing before ${described(token)}`, token);
    const { text: name } = token;
    if (!this.#takes('(')) return member({ target, name, safe }, token);
    if (name === 'get') {
      const field = this.#text();
      this.#expect(')');
      return member({ target, name: field, safe }, token);
    }
    if (name === 'name' && target.tag === 'root') return this.#closed(member({ target, name, safe }, token), ')');
    if (name === 'matches' && this.#language === 'groovy') {
      const pattern = this.#pattern();
      this.#expect(')');
      return { tag: 'call', target, method: name, args: [{ tag: 'literal', value: pattern }], safe };
    }
    const count = METHODS[this.#language].get(name);
    if (count === undefined) refuse(`the method ${name}`, token);
    const args = this.#items(')');
    if (args.length !== count) refuse(`${name} takes ${count} arguments`, token);
    return { tag: 'call', target, method: name, args, safe };
  }

  #text(): string {
    const token = this.#token;
    this.#at++;
    return token.tag === 'text' ? token.text : refuse(`a text is missing before ${described(token)}`, token);
  }

  #pattern(): string {
    const token = this.#token;
    const pattern = this.#text();
    try {
      new RegExp(pattern);
    } catch {
      refuse('the pattern is no regular expression', token);
    }
    return pattern;
  }
}

/** What has fields is known only with a record; here are refused those of what never has them. */
function member(parts: Omit<Extract<Expression, { tag: 'member' }>, 'tag'>, token: Token): Expression {
  const { target, name } = parts;
  const isHeader = target.tag === 'member' && target.target.tag === 'root' && target.target.root === 'header';
  if (isHeader && name !== 'value') refuse(`${name} of a header`, token);
  if (target.tag !== 'root' && target.tag !== 'member') refuse(`the property ${name}`, token);
  if (target.tag === 'root' && target.root === 'topic') refuse(`${name} of the topic`, token);
  if (target.tag === 'root' && target.root.endsWith('Schema') && name !== 'name') refuse(`${name} of a schema`, token);
  return { tag: 'member', ...parts };
}

function named(name: string, token: Token): Expression {
  switch (name) {
    case 'true':
    case 'false':
      return { tag: 'literal', value: name === 'true' };
    case 'null':
      return { tag: 'literal', value: null };
    default: {
      const root = ROOTS.find((one) => one === name);
      return root === undefined ? refuse(`the name ${name}`, token) : { tag: 'root', root };
    }
  }
}

function described(token: Token): string {
  return token.tag === 'end' ? 'the end' : token.text;
}
