/**
 * JSON as editors write it (comments and trailing commas allowed) into a value with positions.
 */
import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { Path } from './problem.ts';
import { DUPLICATE_KEY, FORBIDDEN_KEY, isForbiddenKey, MAX_DEPTH, TOO_DEEP } from './source.ts';
import type { SourceFault, SourceTree, Spot } from './source.ts';

const SYNTAX: Readonly<Record<string, string>> = {
  CommaExpected: 'a comma is missing before this',
  ColonExpected: 'a colon is missing before this',
  PropertyNameExpected: 'a key in double quotes is missing here',
  ValueExpected: 'a value is missing here',
  CloseBraceExpected: 'a closing "}" is missing here',
  CloseBracketExpected: 'a closing "]" is missing here',
  EndOfFileExpected: 'something stands after the end of the value',
  UnexpectedEndOfString: 'a closing quote is missing',
  UnexpectedEndOfComment: 'a comment is not closed',
  InvalidEscapeCharacter: 'this is no escape sequence: a backslash is written twice',
  InvalidCharacter: 'a control character must be written as an escape sequence',
  InvalidUnicode: 'this is no escape sequence: "\\u" takes four hexadecimal digits',
};

export function parseJson(text: string): SourceTree {
  const errors: ParseError[] = [];
  const root: Spot = { key: 0, value: 0, children: new Map() };
  if (text.trim() === '') return { value: null, root, faults: [] };
  const deep = depthFault(text);
  if (deep !== undefined) return { value: undefined, root, faults: [deep] };
  const tree = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
  const first = errors[0];
  if (first !== undefined) {
    const message = SYNTAX[printParseErrorCode(first.error)] ?? 'this is not valid JSON';
    return { value: undefined, root, faults: [{ offset: first.offset, path: [], message }] };
  }
  const faults: SourceFault[] = [];
  const whole: Spot = { key: 0, value: tree?.offset ?? 0, children: new Map() };
  return { value: tree === undefined ? null : valueOf(tree, [], whole, faults), root: whole, faults };
}

/** Looked for ahead of the parser, which recurses. Brackets in strings and comments count too, up to a margin. */
function depthFault(text: string): SourceFault | undefined {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (inString) {
      if (character === 0x5c) at++;
      else if (character === 0x22 || character === 0x0a) inString = false;
    } else if (character === 0x22) inString = true;
    else if (character === 0x5b || character === 0x7b) {
      if (++depth > 4 * MAX_DEPTH) return { offset: at, path: [], message: TOO_DEEP };
    } else if (character === 0x5d || character === 0x7d) depth--;
  }
  return undefined;
}

function valueOf(node: Node, path: Path, spot: Spot, faults: SourceFault[]): unknown {
  if (path.length > MAX_DEPTH) {
    faults.push({ offset: node.offset, path, message: TOO_DEEP });
    return undefined;
  }
  if (node.type === 'array') {
    return (node.children ?? []).map((item, index) => {
      const child: Spot = { key: item.offset, value: item.offset, children: new Map() };
      spot.children.set(index, child);
      return valueOf(item, [...path, index], child, faults);
    });
  }
  if (node.type === 'object') return objectValue(node, path, spot, faults);
  return node.value as unknown;
}

function objectValue(node: Node, path: Path, spot: Spot, faults: SourceFault[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const property of node.children ?? []) {
    const [keyNode, valueNode] = property.children ?? [];
    if (keyNode === undefined || valueNode === undefined) continue;
    const key = String(keyNode.value);
    const inner = [...path, key];
    if (isForbiddenKey(key)) faults.push({ offset: keyNode.offset, path: inner, message: FORBIDDEN_KEY });
    else if (Object.hasOwn(result, key)) {
      faults.push({ offset: keyNode.offset, path: inner, message: DUPLICATE_KEY, hint: 'Remove one of the two.' });
    } else {
      const child: Spot = { key: keyNode.offset, value: valueNode.offset, children: new Map() };
      spot.children.set(key, child);
      result[key] = valueOf(valueNode, inner, child, faults);
    }
  }
  return result;
}
