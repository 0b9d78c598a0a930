/** What the gateway and the process that reads the ledger for it say to each other. */
import type { SearchFilter, SearchPage } from '../../store/index.ts';
import type { Shown } from './show.ts';

export type Question =
  | { readonly type: 'search'; readonly filter: SearchFilter; readonly limit: number; readonly before?: number }
  | { readonly type: 'show'; readonly what: number | string };

export interface Asked {
  readonly id: number;
  readonly question: Question;
}

/** Each is answered once, in order. */
export type Answered =
  | { readonly id: number; readonly type: 'page'; readonly page: SearchPage }
  | { readonly id: number; readonly type: 'shown'; readonly shown: readonly Shown[] }
  /** In words fit for the operator. */
  | { readonly id: number; readonly type: 'failed'; readonly problem: string };
