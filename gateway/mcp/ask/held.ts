/** How a call that a person decides goes on, in the words that pass between those who hold it and those who answer. */
import type { Outcome } from '../../../core/outcome.ts';
import type { JsonObject } from '../../../core/json.ts';

export type Waiting = Outcome & { readonly type: 'waiting' };

export type Held =
  | { readonly type: 'ended'; readonly callId: string; readonly outcome: Outcome }
  /** Only to 2026 clients: the person there is to be asked, and the request sent again with the answer and this state. */
  | { readonly type: 'input-required'; readonly form: JsonObject; readonly requestState: string }
  /** What the request brought along is not to be taken. Nothing was called. */
  | { readonly type: 'invalid'; readonly message: string };

/** The one request for input, and its answer. */
export const INPUT_KEY = 'approval';
