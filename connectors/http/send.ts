/** A request whose answer does not matter: notifications, responses to the upstream's own requests, DELETE. */
import type { Pool } from 'undici';

export interface Send {
  readonly pool: Pool;
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: readonly string[];
  readonly body?: string;
  /** Status, or 0 where none came. */
  done?(status: number): void;
}

const TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 64 * 1024;

export function send({ pool, method, path, headers, body, done }: Send): void {
  let status = 0;
  let bytes = 0;
  let told = false;
  const tell = (): void => {
    if (told) return;
    told = true;
    done?.(status);
  };
  try {
    pool.dispatch(
      { method, path, headers: [...headers], ...(body === undefined ? {} : { body }), headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS },
      {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code;
        },
        onResponseData(controller, chunk) {
          bytes += chunk.length;
          if (bytes > MAX_BODY_BYTES) controller.abort(new Error('not of interest'));
        },
        onResponseEnd: tell,
        onResponseError: tell,
      },
    );
  } catch {
    tell(); // The pool is closed.
  }
}
