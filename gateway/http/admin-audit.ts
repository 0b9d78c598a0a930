/** Admin routes that ask the ledger: a search in pages, and everything about one call. They read, and change nothing. */
import type { Request, Response, Router } from 'express';
import { FILTER_NAMES, readFilter, SearchUnavailable, type FilterWords, type SearchKeeper } from '../audit/index.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
const NAMES: ReadonlySet<string> = new Set([...FILTER_NAMES, 'limit', 'before']);

export function auditRoutes(admin: Router, search: SearchKeeper): void {
  admin.get('/audit', async (req, res) => {
    const words = wordsOf(req);
    if (typeof words === 'string') return refuse(res, 400, 'invalid_params', words);
    const { limit, before, ...rest } = words;
    const read = readFilter(rest, Date.now());
    if (!read.ok) return refuse(res, 400, 'invalid_params', read.problem);
    const [count, from] = [whole(limit), whole(before)];
    if (count === null || from === null || (count ?? 1) > MAX_LIMIT) return refuse(res, 400, 'invalid_params', `Expected "limit" to be a number from 1 to ${MAX_LIMIT}, and "before" to be a seq.`);
    await answer(res, async () => {
      const answered = await search.ask({ type: 'search', filter: read.filter, limit: count ?? DEFAULT_LIMIT, ...(from === undefined ? {} : { before: from }) });
      return answered.type === 'page' ? answered.page : answered;
    });
  });
  admin.get('/audit/:what', async (req: Request<{ what: string }>, res) => {
    const { what } = req.params;
    await answer(res, async () => {
      const answered = await search.ask({ type: 'show', what: /^\d{1,15}$/.test(what) ? Number(what) : what });
      if (answered.type !== 'shown') return answered;
      return answered.shown.length === 0 ? undefined : { shown: answered.shown };
    });
  });
}

/** Each name once, none that is unknown: one that was misspelt would find too much. */
function wordsOf({ query }: Request): (FilterWords & { limit?: string; before?: string }) | string {
  for (const [name, value] of Object.entries(query)) {
    if (!NAMES.has(name)) return `There is no "${name.slice(0, 64)}" to search by; expected ${[...NAMES].join(', ')}.`;
    if (typeof value !== 'string') return `Expected "${name}" once.`;
  }
  return query as FilterWords;
}

/** `undefined` where it is not given, `null` where it is none. */
function whole(text: string | undefined): number | undefined | null {
  if (text === undefined) return undefined;
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

async function answer(res: Response, ask: () => Promise<object | undefined>): Promise<void> {
  try {
    const answered = await ask();
    if (answered === undefined) return refuse(res, 404, 'unknown', 'There is no such record or call.');
    if ('problem' in answered) return refuse(res, 503, 'unavailable', `The ledger could not be searched: ${String(answered.problem)}.`);
    res.json(answered);
  } catch (error) {
    if (!(error instanceof SearchUnavailable)) throw error;
    refuse(res, 503, 'unavailable', error.message);
  }
}

const refuse = (res: Response, status: number, code: string, message: string): void => void res.status(status).json({ error: { code, message } });
