/**
 * What is changed in a source file to see whether a test notices.
 *
 * Conditions are changed in the ways that all others follow from: whoever tells `a` from `true` and from `false` in
 * `a && b` tells `a && b` from `a || b`, too. Words for people (whatever has a space in it, and what an error says) are
 * left alone.
 *
 * @module
 */
import ts from "typescript";

/** One change. */
export interface Change {
  /** What is replaced, in characters of the file. */
  readonly start: number;
  readonly end: number;
  /** What stands there then; `undefined` where the statement is dropped. */
  readonly text: string | undefined;
  /** Runs once, as the file is loaded. */
  readonly atLoad: boolean;
}

const RELATIONS: ReadonlyMap<string, string> = new Map([["<", "<="], ["<=", "<"], [">", ">="], [">=", ">"]]);
const EQUALITIES: readonly string[] = ["===", "!==", "==", "!="];
const ARITHMETIC: ReadonlyMap<string, string> = new Map([["+", "-"], ["-", "+"], ["*", "/"], ["/", "*"], ["%", "*"]]);
const METHODS: ReadonlyMap<string, string> = new Map([["every", "some"], ["some", "every"], ["min", "max"], [
  "max",
  "min",
]]);
/** From here on a number is a size or a duration, that is halved and doubled: nobody tests for one byte in a million. */
const LARGE = 60;

/** All changes of a file, in the order of their places. */
export function changesOf(file: string, source: string): Change[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const changes: Change[] = [];
  const seen = new Set<string>();

  const add = (node: ts.Node, text: string | undefined): void => {
    const [start, end] = [node.getStart(tree), node.getEnd()];
    const key = `${start} ${end} ${text}`;
    if (seen.has(key) || text === source.slice(start, end)) return;
    seen.add(key);
    changes.push({ start, end, text, atLoad: isAtLoad(node) });
  };

  const condition = (node: ts.Expression, to: readonly boolean[]): void => {
    const inner = bare(node);
    const operator = binaryOperator(inner);
    if (operator === "&&" || operator === "||") {
      const { left, right } = inner as ts.BinaryExpression;
      const neutral = operator === "&&";
      if (to.includes(!neutral)) add(inner, String(!neutral));
      condition(left, [neutral]);
      condition(right, [neutral]);
    } else if (inner.kind !== ts.SyntaxKind.TrueKeyword && inner.kind !== ts.SyntaxKind.FalseKeyword) {
      for (const value of to) add(inner, String(value));
    }
  };

  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isIfStatement(node)) condition(node.expression, [true, false]);
    else if (ts.isConditionalExpression(node)) condition(node.condition, [true, false]);
    else if (ts.isWhileStatement(node) || ts.isDoStatement(node)) condition(node.expression, [false]);
    else if (ts.isForStatement(node)) node.condition && condition(node.condition, [false]);
    else if (ts.isExpressionStatement(node)) {
      if (isEffect(node.expression)) add(node, undefined);
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      if (!isJudged(node)) condition(node, [true, false]);
    } else if (ts.isBinaryExpression(node)) binary(node);
    else if (ts.isNumericLiteral(node)) number(node);
    else if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, "false");
    else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, "true");
    else if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) word(node);
    else if (ts.isTemplateExpression(node)) {
      if (!hasSpace(node.getText(tree)) && !isTold(node) && !ts.isTaggedTemplateExpression(node.parent)) {
        add(node, '""');
      }
    } else if (ts.isRegularExpressionLiteral(node)) {
      for (const text of looser(node.text)) add(node, text);
    } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const name = node.expression.name;
      const other = METHODS.get(name.text);
      const [start, end] = [node.getStart(tree), name.getStart(tree)];
      if (other) add(node, source.slice(start, end) + other + source.slice(name.getEnd(), node.getEnd()));
    }
    ts.forEachChild(node, visit);
  };

  const binary = (node: ts.BinaryExpression): void => {
    const operator = binaryOperator(node)!;
    const [left, right] = [node.left.getText(tree), node.right.getText(tree)];
    const relation = RELATIONS.get(operator);
    if (relation) add(node, `${left} ${relation} ${right}`);
    if (operator === "??") {
      add(node, left);
      add(node, right);
    } else if (relation || EQUALITIES.includes(operator)) {
      if (!isJudged(node)) condition(node, [true, false]);
    } else if (operator === "&&" || operator === "||") {
      if (!isJudged(node)) condition(node, [operator === "||"]);
    } else if (constant(node) !== undefined) {
      number(node);
    } else if (ARITHMETIC.has(operator) && ![node.left, node.right].some(isText)) {
      add(node, `${left} ${ARITHMETIC.get(operator)} ${right}`);
    }
  };

  const number = (node: ts.Expression): void => {
    const parent = node.parent;
    if (ts.isBinaryExpression(parent) && constant(parent) !== undefined) return; // the whole of it is changed
    if (isName(node) || isTold(node)) return;
    const value = constant(node)!;
    for (const other of value >= LARGE ? [value * 2, value / 2] : value === 0 ? [1] : [value + 1, value - 1]) {
      add(node, String(other));
    }
  };

  const word = (node: ts.StringLiteralLike): void => {
    if (node.text === "" || hasSpace(node.text) || isName(node) || isTold(node)) return;
    const parent = node.parent;
    // `x === "word"` is turned into `false`, which is the same.
    if (ts.isBinaryExpression(parent) && EQUALITIES.includes(binaryOperator(parent)!)) return;
    if (ts.isTaggedTemplateExpression(parent) || ts.isCallExpression(parent) && isImport(parent)) return;
    add(node, JSON.stringify(`${node.text}?`));
  };

  visit(tree);
  return changes.sort((a, b) => a.start - b.start || b.end - a.end);
}

function bare(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) ? bare(node.expression) : node;
}

function binaryOperator(node: ts.Node): string | undefined {
  return ts.isBinaryExpression(node) ? ts.tokenToString(node.operatorToken.kind) : undefined;
}

function isAtLoad(node: ts.Node): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isFunctionLike(at)) return false;
    if (ts.isPropertyDeclaration(at) && !at.modifiers?.some((one) => one.kind === ts.SyntaxKind.StaticKeyword)) {
      return false;
    }
  }
  return true;
}

/** Whether the value is turned to true and false already, as a part of a condition. */
function isJudged(node: ts.Node): boolean {
  const parent = node.parent;
  if (ts.isParenthesizedExpression(parent)) return isJudged(parent);
  if (ts.isIfStatement(parent) || ts.isWhileStatement(parent) || ts.isDoStatement(parent)) return true;
  if (ts.isForStatement(parent)) return parent.condition === node;
  if (ts.isConditionalExpression(parent)) return parent.condition === node;
  if (ts.isPrefixUnaryExpression(parent)) return parent.operator === ts.SyntaxKind.ExclamationToken;
  const operator = binaryOperator(parent);
  return operator === "&&" || operator === "||";
}

function isEffect(node: ts.Expression): boolean {
  if (ts.isAwaitExpression(node) || ts.isVoidExpression(node)) return isEffect(node.expression);
  if (ts.isCallExpression(node)) return node.expression.kind !== ts.SyntaxKind.SuperKeyword;
  if (ts.isDeleteExpression(node)) return true;
  const operator = binaryOperator(node);
  return operator !== undefined && operator.endsWith("=") && !EQUALITIES.includes(operator) && !RELATIONS.has(operator);
}

function constant(node: ts.Node): number | undefined {
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll("_", ""));
  if (ts.isParenthesizedExpression(node)) return constant(node.expression);
  if (!ts.isBinaryExpression(node)) return undefined;
  const [left, right] = [constant(node.left), constant(node.right)];
  if (left === undefined || right === undefined) return undefined;
  switch (binaryOperator(node)) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "**":
      return left ** right;
    case "/":
      return left / right;
  }
  return undefined;
}

function isText(node: ts.Node): boolean {
  if (ts.isParenthesizedExpression(node)) return isText(node.expression);
  if (binaryOperator(node) === "+") return isText((node as ts.BinaryExpression).left);
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

/** `a` in `{ "a": 1 }`, and what stands for no value. */
function isName(node: ts.Node): boolean {
  const parent = node.parent;
  return (ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent)) &&
      parent.name === node ||
    ts.isExpressionStatement(parent) || ts.isLiteralTypeNode(parent) || ts.isEnumMember(parent);
}

/** Whether people read it: what an error says beside its code and reason. */
function isTold(node: ts.Node): boolean {
  for (let [at, parent] = [node, node.parent]; parent; [at, parent] = [parent, parent.parent]) {
    if (ts.isPropertyAssignment(parent) && /^(?:remedy|details|message|words)$/.test(parent.name.getText())) {
      return true;
    }
    if (ts.isTemplateSpan(parent)) return hasSpace(parent.parent.getText()) || isTold(parent.parent);
    if (ts.isNewExpression(parent) && /Error$/.test(parent.expression.getText())) {
      return parent.arguments?.[1] === at;
    }
    if (ts.isFunctionLike(parent)) return false;
  }
  return false;
}

function isImport(node: ts.CallExpression): boolean {
  return node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

function hasSpace(text: string): boolean {
  return /\s/.test(text);
}

/** The pattern without one of its ends. */
function looser(pattern: string): string[] {
  const end = pattern.lastIndexOf("/");
  const [body, flags] = [pattern.slice(1, end), pattern.slice(end)];
  return [
    ...(body.startsWith("^") && body.length > 1 ? [`/${body.slice(1)}${flags}`] : []),
    ...(/(?<!\\)\$$/.test(body) ? [`/${body.slice(0, -1)}${flags}`] : []),
  ];
}
