/** What the tests of searching share: ledgers written through the layer that the gateway writes with, and a search without an index. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { createLedgerReader, LEDGER_FILE, openSearch, type SearchEntry, type SearchFilter, type SearchIndex } from '../../store/index.ts';
import { openLedgerFile } from '../../store/ledger/file.ts';

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-search-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function append(dataDir: string, records: readonly object[]): void {
  const file = openLedgerFile({ path: join(dataDir, LEDGER_FILE), maxPages: undefined });
  try {
    if (records.length > 0) file.append(records.map((record) => JSON.stringify(record)));
  } finally {
    file.close();
  }
}

export function openIndex(dataDir: string): SearchIndex {
  const index = openSearch(dataDir);
  onTestFinished(() => index.close());
  return index;
}

/** All pages of a search, put together. */
export function searchAll(index: SearchIndex, filter: SearchFilter, limit: number): SearchEntry[] {
  const found: SearchEntry[] = [];
  let before: number | undefined;
  do {
    const page = index.search(filter, { limit, ...(before === undefined ? {} : { before }) });
    found.push(...page.entries);
    before = page.next;
  } while (before !== undefined);
  return found;
}

export function bodiesOf(dataDir: string): (JsonObject & { seq: number })[] {
  const reader = createLedgerReader(dataDir);
  try {
    return reader.after(0, 10_000_000).filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body) as JsonObject & { seq: number });
  } finally {
    reader.close();
  }
}

interface Joined {
  readonly first: JsonObject & { seq: number };
  end?: JsonObject & { seq: number };
}

/** Every call with its end and every other record, as the documents say it, by going through everything; oldest first. */
export function joinedRecords(dataDir: string): Joined[] {
  const entries = new Map<number, Joined>();
  const calls = new Map<unknown, Joined[]>();
  for (const body of bodiesOf(dataDir)) {
    const ends = body['kind'] === 'outcome' || body['kind'] === 'unknown';
    const began = ends ? calls.get(body['call'])?.findLast(({ first, end }) => entries.has(first.seq) && end === undefined) : undefined;
    if (began !== undefined) began.end = body;
    else {
      const entry = ends ? { first: body, end: body } : { first: body };
      entries.set(body.seq, entry);
      if (body['kind'] === 'intent') calls.set(body['call'], [...(calls.get(body['call']) ?? []), entry]);
    }
    if (body['kind'] !== 'purge') continue;
    for (const [from, to] of (body['ranges'] ?? [[body['from'], body['to']]]) as [number, number][]) takeOut(entries, from, Math.min(to, body.seq - 1));
  }
  return [...entries.values()];
}

function takeOut(entries: Map<number, Joined>, from: number, to: number): void {
  const isGone = (seq: number): boolean => seq >= from && seq <= to;
  for (const [seq, entry] of entries) {
    if (isGone(seq)) entries.delete(seq);
    else if (entry.end !== undefined && isGone(entry.end.seq)) delete entry.end;
  }
}

/** Newest first. */
export const naiveSearch = (all: readonly Joined[], filter: SearchFilter): Partial<SearchEntry>[] =>
  all.map(entryOf).filter(({ entry, first }) => holds(filter, entry, first)).map(({ entry }) => entry).toReversed();

function entryOf({ first, end }: Joined): { entry: Partial<SearchEntry>; first: JsonObject } {
  const outcome =
    first['kind'] === 'refused' ? (first['code'] === 'approval_required' ? 'waiting' : 'refused')
    : end?.['kind'] === 'unknown' ? 'unknown'
    : end !== undefined ? end['outcome']
    : first['kind'] === 'intent' ? 'open' : undefined;
  const code = end?.['code'] ?? first['code'];
  const { seq, time, kind, caller, tool, effect, rule, call, session, trace, approval } = first;
  const all = { seq, time, kind, caller, tool, decision: effect, rule, outcome, code, call, session, trace, approval, end: end?.['seq'] };
  return { entry: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)), first };
}

const WORDLESS = ['seq', 'prev', 'time', 'call', 'session', 'trace', 'fingerprint', 'argsHmac', 'config', 'policy', 'limits'];

function holds(filter: SearchFilter, entry: Partial<SearchEntry>, first: JsonObject): boolean {
  const { since, until, text, tool, server, ...same } = filter;
  if (Object.entries(same).some(([name, value]) => value !== undefined && entry[name as keyof SearchEntry] !== value)) return false;
  if ((since !== undefined && Number(entry.time) < since) || (until !== undefined && Number(entry.time) > until)) return false;
  if (server !== undefined && entry.tool?.split('/')[0] !== server) return false;
  if (tool !== undefined && !new RegExp(`^${tool.replaceAll('*', '.*')}$`).test(entry.tool ?? '\n')) return false;
  if (text === undefined) return true;
  const words = wordsIn(Object.fromEntries(Object.entries(first).filter(([name]) => !WORDLESS.includes(name))));
  return text.split(' ').every((word) => (word.endsWith('*') ? words.some((one) => one.startsWith(word.slice(0, -1).toLowerCase())) : words.includes(word.toLowerCase())));
}

/** Runs of letters and digits in values at any depth and in the names of what is below the record's own members. */
function wordsIn(value: unknown, isTop = true): string[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, one]) => [...(isTop || Array.isArray(value) ? [] : wordsIn(key)), ...wordsIn(one, false)]);
  }
  return String(value).toLowerCase().match(/[a-zäöü0-9]+/g) ?? [];
}
