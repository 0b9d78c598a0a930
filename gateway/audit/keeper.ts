/**
 * The gateway's side of asking the ledger. Reading it and keeping its index is work for processes of their own, with less
 * priority: nothing here opens a database, and no call waits for any of it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../core/log.ts';
import { LEDGER_FILE } from '../../store/index.ts';
import type { Answered, Asked, Question } from './messages.ts';

export interface SearchKeeper {
  /** @throws SearchUnavailable in words fit for the operator */
  ask(question: Question): Promise<Answered>;
  /** Called every few seconds: where nothing is going on and much is new, the index is brought up to date. */
  beat(): void;
  /** Ends what runs. */
  close(): void;
}

export interface SearchKeeperOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** The ledger has grown by so much since the index was last brought up to date. */
  readonly worthBytes?: number;
  /** The ledger has not been written to for so long. */
  readonly idleMs?: number;
  /** Longest that an answer takes. */
  readonly answerMs?: number;
}

interface Waiting {
  readonly question: Question;
  readonly settle: (answered: Answered | Error) => void;
  /** Who was asked. */
  child?: ChildProcess;
}

export class SearchUnavailable extends Error {
  override readonly name = 'SearchUnavailable';
}

/** Ten thousand calls or so: a question reads that many in a quarter of a second. */
const WORTH_BYTES = 16 * 1024 * 1024;
const IDLE_MS = 5000;
const ANSWER_MS = 20_000;
const MAX_WAITING = 32;
const MAX_WORDS = 2000;

/** The program's own entry, beside the sources or in what was built from them. */
const ENTRY = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : './main.js', import.meta.url));

export function createSearchKeeper({ dataDir, log, worthBytes = WORTH_BYTES, idleMs = IDLE_MS, answerMs = ANSWER_MS }: SearchKeeperOptions): SearchKeeper {
  const waiting = new Map<number, Waiting>();
  let answering: ChildProcess | undefined;
  let background: ChildProcess | undefined;
  let indexedBytes = 0;
  let ids = 0;
  let isClosed = false;

  function start(how: '--answer' | '--background'): ChildProcess {
    const child = fork(ENTRY, ['audit', 'index', how, '--data', dataDir], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-MAX_WORDS)));
    child.once('error', (error) => (words = error.message));
    child.once('close', (code) => {
      if (!isClosed && code !== 0) log.warn({ problem: words.trim() }, 'the ledger could not be searched');
      if (child === background) background = undefined;
      if (child === answering) answering = undefined;
      const error = new SearchUnavailable(`The ledger could not be searched: ${words.trim() || 'the process that does it ended'}`);
      for (const [id, one] of waiting) {
        if (one.child !== child) continue;
        // It went because nobody had asked for a while, in the moment in which somebody did.
        if (code === 0 && !isClosed) send(id, one);
        else one.settle(error);
      }
    });
    // It is no reason for the gateway to live.
    child.unref();
    child.channel?.unref();
    (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
    return child;
  }

  function answers(): ChildProcess {
    if (answering?.connected === true) return answering;
    const child = start('--answer');
    child.on('message', (answered: Answered) => waiting.get(answered.id)?.settle(answered));
    return (answering = child);
  }

  function send(id: number, one: Waiting): void {
    one.child = answers();
    // One that cannot be reached is heard of when it closes.
    one.child.send({ id, question: one.question } satisfies Asked, () => {});
  }

  return {
    ask(question) {
      if (isClosed) return Promise.reject(new SearchUnavailable('The gateway is stopping.'));
      if (waiting.size >= MAX_WAITING) return Promise.reject(new SearchUnavailable('Too many searches are under way.'));
      const id = ++ids;
      return new Promise((resolve, reject) => {
        const settle = (answered: Answered | Error): void => {
          clearTimeout(timer);
          waiting.delete(id);
          if (answered instanceof Error) reject(answered);
          else resolve(answered);
        };
        const timer = setTimeout(() => settle(new SearchUnavailable('The index is being made; try again shortly.')), answerMs);
        const one: Waiting = { question, settle };
        waiting.set(id, one);
        send(id, one);
      });
    },
    beat() {
      if (background !== undefined || isClosed) return;
      const bytes = sizeOf(join(dataDir, LEDGER_FILE));
      if (bytes - indexedBytes < worthBytes || Date.now() - writtenAt(dataDir) < idleMs) return;
      indexedBytes = bytes;
      background = start('--background');
    },
    close() {
      isClosed = true;
      background?.kill();
      answering?.kill();
      for (const { settle } of waiting.values()) settle(new SearchUnavailable('The gateway is stopping.'));
    },
  };
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const writtenAt = (dataDir: string): number =>
  Math.max(...['', '-wal'].map((suffix) => statSync(join(dataDir, LEDGER_FILE + suffix), { throwIfNoEntry: false })?.mtimeMs ?? 0));
