/** One POST as its maker sees it: what goes out, and what is told of the answer. */
import type { ResponseHead } from './response.ts';

/** `unsent`: not a byte of it left. `lost`: the connection ended first. `malformed`: the answer is no valid HTTP. */
export type PostFault =
  | { readonly type: 'unsent'; readonly error: Error & { code?: string } }
  | { readonly type: 'lost'; readonly error: Error & { code?: string } }
  | { readonly type: 'malformed'; readonly problem: string };

/** Given to the client once; told of a head and a body up to its `last` piece, or of one fault, unless it is aborted. */
export interface Posting {
  /** Request line and fields, each line ended, without `content-length` and the empty line. Latin-1. */
  readonly head: string;
  readonly body: string;
  /** The client's own, so that it finds its way back from a posting. */
  carrier: { drop(): void } | undefined;
  onHead(head: ResponseHead): void;
  /** See `ResponseEvents.body`: the bytes are lent. */
  onBody(bytes: Buffer, from: number, to: number, last: boolean): void;
  onFault(fault: PostFault): void;
}
