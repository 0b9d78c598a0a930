/** One page of a held result: a part of its text, or of what a path leads to. */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { HeldResult } from './held.ts';

export interface PageQuestion {
  readonly offset: number;
  readonly length: number;
  /** RFC 6901; absent: the text of the result. */
  readonly path: string | undefined;
}

const DEFAULT_LENGTH = 16 * 1024;
export const MAX_LENGTH = 64 * 1024;

/** What a caller asks for, or what is wrong with it. */
export function questionOf(args: JsonObject): PageQuestion | string {
  const offset = own(args, 'offset') ?? 0;
  const length = own(args, 'length') ?? DEFAULT_LENGTH;
  const path = own(args, 'path');
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) return 'Expected "offset" to be a whole number from 0.';
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 1) return 'Expected "length" to be a whole number from 1.';
  if (path !== undefined && typeof path !== 'string') return 'Expected "path" to be a JSON pointer such as /structuredContent/items/0.';
  return { offset, length, path };
}

/** @returns the page as a tool's result; an error that the model may read where the path leads nowhere */
export function pageOf(held: HeldResult, question: PageQuestion): JsonObject {
  const { offset, path } = question;
  const text = path === undefined || path === '' ? held.text : textAt(held.result, path);
  if (text === undefined) return { content: [{ type: 'text', text: `There is nothing at the path ${JSON.stringify((path ?? '').slice(0, 200))} of this result. Paths are JSON pointers, such as /content/0/text or /structuredContent.` }], isError: true };
  const length = Math.min(question.length, MAX_LENGTH, held.maxBytes);
  const page = text.slice(border(text, offset), border(text, offset + length));
  const end = Math.min(text.length, offset + length);
  const isLast = end >= text.length;
  const note = isLast ? `[Signalbox: the end; ${text.length} characters in all.]` : `[Signalbox: ${end} of ${text.length} characters read. Go on with "offset": ${end}.]`;
  return {
    content: [{ type: 'text', text: page }, { type: 'text', text: note }],
    _meta: { 'dev.signalbox/page': { call: held.call, offset, total: text.length, ...(isLast ? {} : { nextOffset: end }) } },
  };
}

/** Offsets count UTF-16 units. One inside a character stands for its beginning, at the start and the end of a page alike. */
function border(text: string, offset: number): number {
  const at = Math.min(offset, text.length);
  return at > 0 && isLow(text.charCodeAt(at)) && isHigh(text.charCodeAt(at - 1)) ? at - 1 : at;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

function textAt(result: JsonObject, path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  let found: JsonValue | undefined = result;
  for (const step of path.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = /^(?:0|[1-9]\d{0,8})$/.test(key) ? found[Number(key)] : undefined;
    else found = isJsonObject(found) && !JSON.isRawJSON(found) ? own(found, key) : undefined;
  }
  return found === undefined ? undefined : typeof found === 'string' ? found : JSON.stringify(found);
}
