/** A request's body as bytes, never more than allowed. */
import type { IncomingMessage } from 'node:http';
import type { PlainRequest } from '../http/plain/lane.ts';

/**
 * Calls `done` once: with the body, or with `too-large` as soon as more than `maxBytes` are announced or have arrived (the
 * rest is not read). A client that goes away in the middle is never heard of again, and neither is `done`.
 */
export function readBody(req: IncomingMessage | PlainRequest, maxBytes: number, done: (body: Buffer | 'too-large') => void): void {
  if ('body' in req) return done(req.body.length > maxBytes ? 'too-large' : req.body);
  const announced = req.headers['content-length'];
  if (announced !== undefined && Number(announced) > maxBytes) return done('too-large');
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let size = 0;
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > maxBytes) {
      req.off('data', onData).off('end', onEnd).pause();
      return done('too-large');
    }
    if (first === undefined) first = chunk;
    else (rest ??= [first]).push(chunk);
  };
  const onEnd = (): void => done(rest === undefined ? (first ?? EMPTY) : Buffer.concat(rest));
  req.on('data', onData);
  req.on('end', onEnd);
}

const EMPTY = Buffer.alloc(0);
