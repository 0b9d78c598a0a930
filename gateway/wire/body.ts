/**
 * Bytes to one JSON value that everybody downstream reads in the same way: UTF-8 checked, depth bounded before the
 * parse, no duplicate members, numbers kept exact. It knows nothing of JSON-RPC.
 */
import { isUtf8 } from 'node:buffer';
import { parseLossless, type JsonValue } from '../../core/json.ts';

export type ParsedBody =
  | { readonly type: 'value'; readonly value: JsonValue }
  | { readonly type: 'malformed'; readonly message: string }
  | { readonly type: 'refused'; readonly message: string };

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

interface Shape {
  readonly depth: number;
  /** Members of all objects, counted by their colons. */
  readonly members: number;
}

/** One pass over the text: how deep it nests and how many members it has. Does not judge whether it is JSON. */
function measure(text: string, maxDepth: number): Shape {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case QUOTE:
        index = endOfString(text, index);
        break;
      case COLON:
        members++;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        if (depth > deepest) deepest = depth;
        if (depth > maxDepth) return { depth, members };
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      default:
    }
  }
  return { depth: deepest, members };
}

/** Index of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

/** Members of all objects in a parsed value: fewer than were written means that one was written twice. */
function countMembers(value: JsonValue): number {
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item);
    return count;
  }
  for (const key of Object.keys(value)) count += 1 + countMembers(value[key] as JsonValue);
  return count;
}

/**
 * @param maxDepth nesting allowed of arrays and objects together
 * @returns `malformed` for what is no JSON at all, `refused` for JSON outside the bounds
 */
export function parseBody(bytes: Uint8Array, maxDepth: number): ParsedBody {
  if (!isUtf8(bytes)) return { type: 'malformed', message: 'The body is not valid UTF-8.' };
  return parseText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), maxDepth);
}

/** The same for text that is already decoded. */
export function parseText(text: string, maxDepth: number): ParsedBody {
  const shape = measure(text, maxDepth);
  if (shape.depth > maxDepth) {
    return { type: 'refused', message: `The body nests more than ${maxDepth} arrays and objects deep.` };
  }
  let value: JsonValue;
  try {
    value = parseLossless(text);
  } catch {
    return { type: 'malformed', message: 'The body is not valid JSON.' };
  }
  // Two parsers may pick different ones of two equal members (CVE-2026-27896), so neither is taken.
  if (countMembers(value) !== shape.members) {
    return { type: 'refused', message: 'An object in the body has the same member twice.' };
  }
  return { type: 'value', value };
}
