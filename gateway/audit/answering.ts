/** The process that reads the ledger for a gateway: brings the index up to date, and answers. It writes no record. */
import { statSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { createLedgerReader, LEDGER_FILE, openSearch, type SearchIndex } from '../../store/index.ts';
import { keepHeapSmall } from '../heap.ts';
import type { Answered, Asked, Question } from './messages.ts';
import { shownOf } from './show.ts';

/** Nobody has asked for so long: the process goes. */
const IDLE_MS = 60_000;
const ANSWERING_NICENESS = 5;
const BACKGROUND_NICENESS = 19;
const BACKGROUND_SLICE = 1000;
const PAUSE_MS = 20;
/** Calls are being made when the ledger was written to within this time. */
const BUSY_WITHIN_MS = 1000;

/** Answers until nobody asks any more. */
export function answerQuestions(dataDir: string): void {
  becomeGuest(ANSWERING_NICENESS);
  const index = openSearch(dataDir);
  let work = Promise.resolve();
  const leave = (): void => {
    index.close();
    process.disconnect();
  };
  const idle = setTimeout(leave, IDLE_MS);
  const take = async ({ id, question }: Asked): Promise<void> => {
    const answered = await answer(index, dataDir, question).catch((error: unknown) => ({ type: 'failed' as const, problem: (error as Error).message }));
    process.send?.({ id, ...answered } satisfies Answered);
    idle.refresh();
  };
  process.on('message', (asked: Asked) => {
    idle.refresh();
    work = work.then(() => take(asked));
  });
}

type Answer = Answered extends infer One ? (One extends Answered ? Omit<One, 'id'> : never) : never;

async function answer(index: SearchIndex, dataDir: string, question: Question): Promise<Answer> {
  await index.update();
  if (question.type === 'search') {
    const { filter, limit, before } = question;
    return { type: 'page', page: index.search(filter, { limit, ...(before === undefined ? {} : { before }) }) };
  }
  const reader = createLedgerReader(dataDir);
  try {
    return { type: 'shown', shown: shownOf(index, reader, question.what) };
  } finally {
    reader.close();
  }
}

/** Brings the index up to date and ends; gives way to calls as they come. */
export async function updateInBackground(dataDir: string): Promise<void> {
  becomeGuest(BACKGROUND_NICENESS);
  const index = openSearch(dataDir);
  try {
    await index.update({ sliceRecords: BACKGROUND_SLICE, pause: () => new Promise((resolve) => setTimeout(resolve, isBusy(dataDir) ? PAUSE_MS * 10 : PAUSE_MS)) });
  } finally {
    index.close();
  }
}

/** Beside the gateway, in time and in memory. */
function becomeGuest(niceness: number): void {
  keepHeapSmall();
  try {
    setPriority(niceness);
  } catch {
    // Where the system does not let it, the work is the same.
  }
}

const isBusy = (dataDir: string): boolean => Date.now() - (statSync(join(dataDir, `${LEDGER_FILE}-wal`), { throwIfNoEntry: false })?.mtimeMs ?? 0) < BUSY_WITHIN_MS;
