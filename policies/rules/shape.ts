/**
 * What an expression may look like, judged on its syntax tree when rules load: CEL ends always, but not always soon,
 * and cel-js has no budget for evaluation. It does not check types; cel-js does.
 */
import type { ASTNode } from '@marcbachmann/cel-js';

export interface ShapeProblem {
  readonly message: string;
  /** Zero-based index into the expression. */
  readonly offset: number;
}

export interface Shape {
  readonly problem?: ShapeProblem;
  /** Literal patterns given to `matches`. */
  readonly patterns: readonly { readonly text: string; readonly offset: number }[];
  /** Every `matches` call, to be pointed at the linear implementation. */
  readonly matchCalls: readonly ASTNode[];
  /** A macro over arguments looks at arguments for each item: its cost is a product. */
  readonly correlated: boolean;
  /** A text that came with the call is searched for another: V8's search is quadratic at its worst. */
  readonly searching: boolean;
}

/** Looser types than cel-js gives: only what the walk reads. */
interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
}

const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
const SEARCHES = new Set(['contains', 'indexOf', 'lastIndexOf', 'split']);
/** cel-js' parser of durations backtracks in cubic time. */
const SLOW_DURATION = 'duration() takes a literal only, such as duration("1h")';

interface Scope {
  readonly macro: boolean;
  readonly bind: boolean;
}

export function inspectShape(root: ASTNode): Shape {
  const patterns: { text: string; offset: number }[] = [];
  const matchCalls: ASTNode[] = [];
  /** Names that hold what the peer sent; `items` too are such, but one at a time. */
  const bound = new Set(['args']);
  const items = new Set(bound);
  let problem: ShapeProblem | undefined;
  let correlated = false;
  let searching = false;
  const refuse = (node: Node, message: string): void => {
    problem ??= { message, offset: node.start };
  };

  const judgeCall = (node: Node, call: Call, scope: Scope): void => {
    const last = call.args.at(-1);
    const literal = last?.op === 'value';
    if (call.name === 'matches') {
      if (literal && typeof last.args === 'string') {
        patterns.push({ text: last.args, offset: last.start });
        matchCalls.push(node as ASTNode);
      } else refuse(node, 'matches() takes its pattern as a literal, so that it is checked and compiled once');
    }
    if (call.name === 'duration' && !literal) refuse(node, SLOW_DURATION);
    if (call.name === 'json') refuse(node, 'json() is not available: arguments are parsed already');
    if (isMacro(call)) {
      if (scope.macro) refuse(node, `${call.name}() inside another macro is not allowed: its cost would multiply`);
      correlated ||= mentions(call.receiver, bound) && call.args.slice(1).some((body) => mentions(body, bound));
      if (mentions(call.receiver, items)) items.add(String(call.args[0]?.args));
    }
    if (SEARCHES.has(call.name)) searching ||= mentions(call.receiver, items) && call.args.some((part) => mentions(part, items));
    if (isBind(call)) {
      if (scope.bind) refuse(node, 'bind() inside bind() is not allowed: its cost would multiply');
      const name = String(call.args[0]?.args);
      bound.add(name);
      items.add(name);
    }
  };

  const visit = (node: Node, scope: Scope): void => {
    const call = callOf(node);
    if (call === undefined) {
      for (const child of childrenOf(node)) visit(child, scope);
      return;
    }
    judgeCall(node, call, scope);
    if (call.receiver !== undefined) visit(call.receiver, scope);
    const inside = { macro: scope.macro || isMacro(call), bind: scope.bind || isBind(call) };
    for (const argument of call.args) visit(argument, inside);
  };
  visit(root as Node, { macro: false, bind: false });
  return { ...(problem === undefined ? {} : { problem }), patterns, matchCalls, correlated, searching };
}

interface Call {
  readonly name: string;
  readonly receiver: Node | undefined;
  readonly args: readonly Node[];
}

function callOf(node: Node): Call | undefined {
  if (node.op === 'call') {
    const [name, args] = node.args as [string, Node[]];
    return { name, receiver: undefined, args };
  }
  if (node.op !== 'rcall') return undefined;
  const [name, receiver, args] = node.args as [string, Node, Node[]];
  return { name, receiver, args };
}

const isMacro = (call: Call): boolean => call.receiver !== undefined && MACROS.has(call.name);
const isBind = (call: Call): boolean => call.name === 'bind' && call.receiver?.op === 'id' && call.receiver.args === 'cel';

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'op' in value;

function childrenOf(node: Node): Node[] {
  if (node.op === 'value') return [];
  const children: Node[] = [];
  const collect = (part: unknown): void => {
    if (isNode(part)) children.push(part);
    else if (Array.isArray(part)) for (const item of part) collect(item);
  };
  collect(node.args);
  return children;
}

function find(node: Node, wanted: (node: Node) => boolean): Node | undefined {
  if (wanted(node)) return node;
  for (const child of childrenOf(node)) {
    const found = find(child, wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether an expression reads one of these names. */
const mentions = (node: Node | undefined, names: ReadonlySet<string>): boolean =>
  node !== undefined && find(node, ({ op, args }) => op === 'id' && names.has(args as string)) !== undefined;
