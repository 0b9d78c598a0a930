/** What differs between two definitions of a tool: word by word in texts, member by member in schemas. It judges nothing. */
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';

export type Change =
  /** `at` is a JSON pointer. */
  | { readonly type: 'added'; readonly at: string; readonly value: JsonValue }
  | { readonly type: 'removed'; readonly at: string; readonly value: JsonValue }
  | { readonly type: 'replaced'; readonly at: string; readonly before: JsonValue; readonly after: JsonValue }
  | { readonly type: 'text'; readonly at: string; readonly pieces: readonly TextPiece[] };

export interface TextPiece {
  readonly type: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Beyond this, texts are shown whole: comparing them word by word takes time that grows with the square. */
const MAX_EDITS = 2_000;
const MAX_TEXT = 100_000;
const MAX_DEPTH = 128;

type Raw = Exclude<Change, { type: 'text' }>;

export async function diffDefinitions(before: JsonObject, after: JsonObject): Promise<Change[]> {
  const changes: Raw[] = [];
  compare(before, after, '', 0, changes);
  // Loaded when a person looks at a change: a gateway never needs it.
  const { diffWordsWithSpace } = await import('diff');
  return changes.map((change): Change => {
    if (change.type !== 'replaced' || typeof change.before !== 'string' || typeof change.after !== 'string') return change;
    if (change.before.length + change.after.length > MAX_TEXT) return change;
    const parts = diffWordsWithSpace(change.before, change.after, { maxEditLength: MAX_EDITS });
    if (parts === undefined) return change;
    return { type: 'text', at: change.at, pieces: parts.map(({ value, added, removed }) => ({ type: added ? 'added' : removed ? 'removed' : 'same', text: value })) };
  });
}

function compare(before: JsonValue, after: JsonValue, at: string, depth: number, changes: Raw[]): void {
  if (canCompare(before, after, depth)) compareMembers(before, after, at, depth, changes);
  else if (canonicalJson(before) !== canonicalJson(after)) changes.push({ type: 'replaced', at, before, after });
}

const canCompare = (before: JsonValue, after: JsonValue, depth: number): boolean =>
  depth < MAX_DEPTH && isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after);

const isContainer = (value: JsonValue): boolean => (isJsonObject(value) && !JSON.isRawJSON(value)) || Array.isArray(value);

function compareMembers(before: JsonValue, after: JsonValue, at: string, depth: number, changes: Raw[]): void {
  const [old, now] = [membersOf(before), membersOf(after)];
  const pointer = (key: string): string => `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  for (const [key, value] of old) {
    const next = now.get(key);
    if (next === undefined) changes.push({ type: 'removed', at: pointer(key), value });
    else compare(value, next, pointer(key), depth + 1, changes);
  }
  for (const [key, value] of now) if (!old.has(key)) changes.push({ type: 'added', at: pointer(key), value });
}

const membersOf = (value: JsonValue): Map<string, JsonValue> => new Map(Object.entries(value as JsonObject));
