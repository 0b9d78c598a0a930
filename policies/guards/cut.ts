/**
 * A result cut to a number of bytes of text, and the text of a whole one, as it is paged. What is cut is cut between
 * characters; images and other binary content are counted by nobody here.
 */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';

/** The text of a result, in order: text blocks and embedded text; where there is none, its structured content as JSON. */
export function textOfResult(result: JsonObject): string {
  const texts = partsOf(result).map(({ text }) => text);
  if (texts.length > 0) return texts.join('\n');
  const structured = own(result, 'structuredContent') ?? own(result, 'data');
  return structured === undefined ? JSON.stringify(result) : JSON.stringify(structured);
}

interface Part {
  readonly text: string;
  /** The block with another text. */
  with(text: string): JsonValue;
}

function partOf(block: JsonValue): Part | undefined {
  if (!isJsonObject(block)) return undefined;
  const text = own(block, 'text');
  if (typeof text === 'string') return { text, with: (other) => ({ ...block, text: other }) };
  const resource = own(block, 'resource');
  const embedded = isJsonObject(resource) ? own(resource, 'text') : undefined;
  return typeof embedded === 'string' ? { text: embedded, with: (other) => ({ ...block, resource: { ...(resource as JsonObject), text: other } }) } : undefined;
}

const blocksOf = (result: JsonObject): JsonValue[] => {
  const content = own(result, 'content');
  return Array.isArray(content) ? content : [];
};

const partsOf = (result: JsonObject): Part[] => blocksOf(result).flatMap((block) => partOf(block) ?? []);

/** @returns the result itself where it is within the bound */
export function cutResult(result: JsonObject, maxBytes: number): JsonObject {
  const message = own(result, 'message');
  const structured = own(result, 'structuredContent');
  const data = own(result, 'data');
  const parts = partsOf(result);
  const total = parts.reduce((sum, { text }) => sum + Buffer.byteLength(text), typeof message === 'string' ? Buffer.byteLength(message) : 0);
  const beside = [structured, data].reduce((sum: number, value) => sum + (value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value))), 0);
  if (total <= maxBytes && beside <= maxBytes) return result;
  const { structuredContent: _structured, data: _data, ...rest } = result;
  const cut: JsonObject = beside > maxBytes ? rest : { ...result };
  let left = maxBytes;
  const take = (text: string): string => {
    const kept = firstBytes(text, left);
    left -= Buffer.byteLength(kept);
    return kept;
  };
  if (typeof message === 'string') cut['message'] = take(message);
  if (parts.length > 0) {
    cut['content'] = blocksOf(result).flatMap((block) => {
      const part = partOf(block);
      if (part === undefined) return [block];
      // Beyond the bound a block is left out whole.
      return left <= 0 ? [] : [part.with(take(part.text))];
    });
  }
  return cut;
}

/** The longest beginning of a text within so many bytes of UTF-8, cut between characters. */
export function firstBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
