/** Owns what test/tidy.test.ts knows about the source files: parsed by the compiler itself, no pattern matching on code. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ts from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

export const PROJECT_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

export type ImportFact = {
  /** A path from the project folder for our own files, otherwise the specifier as written. */
  readonly target: string;
  readonly own: boolean;
  readonly typeOnly: boolean;
  /** As the target calls them; `*` stands for all, where the names cannot be told. */
  readonly names: readonly string[];
};

type ExportFact = { readonly name: string; readonly line: number };

type FunctionFact = { readonly name: string; readonly line: number; readonly lineCount: number };

export type SourceFacts = {
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly imports: readonly ImportFact[];
  readonly exports: readonly ExportFact[];
  readonly functions: readonly FunctionFact[];
  /** Line numbers of `any`, of `x!`, and of `async` functions. */
  readonly anyLines: readonly number[];
  readonly nonNullLines: readonly number[];
  readonly asyncLines: readonly number[];
  /** Property accesses and calls as `Date.now`, and free identifiers as `setTimeout`, with their lines. */
  readonly globals: readonly { readonly name: string; readonly line: number }[];
  /** Regular expressions as literals, and calls of `RegExp`. */
  readonly patterns: readonly PatternFact[];
};

/** `pattern` is undefined where it is made at run time. */
type PatternFact = { readonly line: number; readonly pattern: RegExp | undefined };

/** Tracked files and new ones that are not ignored, as paths from the project folder. */
export function projectFiles(): readonly string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: PROJECT_DIR,
    encoding: 'utf8',
  });
  return output.split('\0').filter((path) => path !== '' && existsSync(join(PROJECT_DIR, path)));
}

export function readProjectFile(path: string): string {
  return readFileSync(join(PROJECT_DIR, path), 'utf8');
}

/** Facts of every TypeScript file that the type check covers. */
export function readSourceFacts(paths: readonly string[]): readonly SourceFacts[] {
  const api = new API({ cwd: PROJECT_DIR });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [join(PROJECT_DIR, 'tsconfig.json')] });
    const program = snapshot.getProjects()[0]?.program;
    if (program === undefined) throw new Error('tsconfig.json opens no project');
    return paths.flatMap((path) => {
      const file = program.getSourceFile(join(PROJECT_DIR, path));
      return file === undefined ? [] : [factsOf(path, file)];
    });
  } finally {
    api.close();
  }
}

type Collected = {
  imports: ImportFact[];
  exports: ExportFact[];
  functions: FunctionFact[];
  anyLines: number[];
  nonNullLines: number[];
  asyncLines: number[];
  globals: { name: string; line: number }[];
  patterns: PatternFact[];
};

function factsOf(path: string, file: ts.SourceFile): SourceFacts {
  const found: Collected = {
    imports: [],
    exports: [],
    functions: [],
    anyLines: [],
    nonNullLines: [],
    asyncLines: [],
    globals: [],
    patterns: [],
  };
  const lineOf = (position: number): number => file.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node: ts.Node): void => {
    const line = lineOf(node.getStart(file));
    collectImport(path, node, found);
    if (ts.isFunctionLikeDeclaration(node)) collectFunction({ node, line, endLine: lineOf(node.getEnd()), file, found });
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.anyLines.push(line);
    if (ts.isNonNullExpression(node)) found.nonNullLines.push(line);
    if (node.kind === ts.SyntaxKind.AsyncKeyword) found.asyncLines.push(line);
    collectGlobal(node, line, found);
    collectPattern(node, line, found);
    node.forEachChild(visit);
  };
  visit(file);
  for (const node of file.statements) {
    const line = lineOf(node.getStart(file));
    found.exports.push(...exportedNames(node).map((name) => ({ name, line })));
  }
  const lineCount = file.text.trimEnd().split('\n').length;
  return { path, text: file.text, lineCount, ...found };
}

function collectImport(path: string, node: ts.Node, found: Collected): void {
  if (ts.isImportDeclaration(node)) {
    addImport({ path, specifier: node.moduleSpecifier, typeOnly: importsTypesOnly(node), names: importedNames(node), found });
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    addImport({ path, specifier: node.moduleSpecifier, typeOnly: node.isTypeOnly, names: passedOnNames(node), found });
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments;
    if (specifier !== undefined) addImport({ path, specifier, typeOnly: false, names: ['*'], found });
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const names = [node.qualifier !== undefined && ts.isIdentifier(node.qualifier) ? node.qualifier.text : '*'];
    addImport({ path, specifier: node.argument.literal, typeOnly: true, names, found });
  }
}

function importedNames(node: ts.ImportDeclaration): readonly string[] {
  const byDefault = node.importClause?.name === undefined ? [] : ['default'];
  const named = node.importClause?.namedBindings;
  if (named === undefined) return byDefault;
  if (!ts.isNamedImports(named)) return ['*'];
  return [...byDefault, ...named.elements.map((element) => (element.propertyName ?? element.name).text)];
}

/** What `export … from` takes from its target. */
function passedOnNames(node: ts.ExportDeclaration): readonly string[] {
  const named = node.exportClause;
  if (named === undefined || !ts.isNamedExports(named)) return ['*'];
  return named.elements.map((element) => (element.propertyName ?? element.name).text);
}

function exportedNames(node: ts.Statement): readonly string[] {
  if (ts.isExportAssignment(node)) return ['default'];
  if (ts.isExportDeclaration(node)) {
    const named = node.exportClause;
    return named !== undefined && ts.isNamedExports(named) ? named.elements.map(({ name }) => name.text) : ['*'];
  }
  if (!isDeclaration(node) || !node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.flatMap(({ name }) => boundNames(name));
  return [node.name !== undefined && ts.isIdentifier(node.name) ? node.name.text : 'default'];
}

type Declaration = ts.VariableStatement | ts.FunctionDeclaration | ts.ClassDeclaration | ts.TypeAliasDeclaration | ts.InterfaceDeclaration;

function isDeclaration(node: ts.Statement): node is Declaration {
  return (
    ts.isVariableStatement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isInterfaceDeclaration(node)
  );
}

function boundNames(name: ts.BindingName): readonly string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => ('name' in element && element.name !== undefined ? boundNames(element.name) : []));
}

function importsTypesOnly(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  if (clause.name !== undefined || named === undefined || !ts.isNamedImports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}

type FoundImport = { path: string; specifier: ts.Node; typeOnly: boolean; names: readonly string[]; found: Collected };

function addImport(o: FoundImport): void {
  if (!ts.isStringLiteral(o.specifier)) return;
  const specifier = o.specifier.text;
  const own = specifier.startsWith('.');
  const target = own ? relative(PROJECT_DIR, resolve(PROJECT_DIR, dirname(o.path), specifier)) : specifier;
  o.found.imports.push({ target, own, typeOnly: o.typeOnly, names: o.names });
}

type FunctionNode = { node: ts.FunctionLikeDeclaration; line: number; endLine: number; file: ts.SourceFile; found: Collected };

/** The callback of `describe` groups tests and is no function to be read as one. */
function collectFunction({ node, line, endLine, file, found }: FunctionNode): void {
  const parent = node.parent;
  if (ts.isCallExpression(parent) && /^describe\b/.test(parent.expression.getText(file))) return;
  const ownName = 'name' in node ? node.name : undefined;
  const name = ownName?.getText(file) ?? (ts.isVariableDeclaration(parent) ? parent.name.getText(file) : '(anonymous)');
  found.functions.push({ name, line, lineCount: endLine - line + 1 });
}

/** `a.b` of a property access by name, and `f` of a call of a bare name or `new F()`. */
function collectGlobal(node: ts.Node, line: number, found: Collected): void {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    found.globals.push({ name: `${node.expression.text}.${node.name.text}`, line });
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) found.globals.push({ name: node.expression.text, line });
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && (node.arguments?.length ?? 0) === 0) {
    found.globals.push({ name: `new ${node.expression.text}()`, line });
  }
}

function collectPattern(node: ts.Node, line: number, found: Collected): void {
  if (ts.isRegularExpressionLiteral(node)) {
    const end = node.text.lastIndexOf('/');
    found.patterns.push({ line, pattern: new RegExp(node.text.slice(1, end), node.text.slice(end + 1)) });
  }
  const called = ts.isNewExpression(node) || ts.isCallExpression(node) ? node.expression : undefined;
  if (called !== undefined && ts.isIdentifier(called) && called.text === 'RegExp') found.patterns.push({ line, pattern: undefined });
}
