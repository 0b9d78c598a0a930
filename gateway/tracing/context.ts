/** W3C Trace Context: what a caller says of the trace that its call belongs to, and what is said onward. */
import { randomFillSync } from 'node:crypto';

export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits: the caller's span. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-[\x20-\x7e]*)?$/;
const MAX_TRACEPARENT = 512;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const SAMPLED = 1;

/** Trace Context, section 3.2.2: version ff and ids of zeros are invalid; later versions may say more behind. */
export function parseTraceparent(text: string): TraceContext | undefined {
  if (text.length > MAX_TRACEPARENT) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

export const traceparentOf = ({ traceId, spanId, isSampled }: TraceContext): string => `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

const MAX_TRACESTATE = 512;
const MAX_MEMBERS = 32;
// Section 3.3.1.3: printable ASCII; what a member means is its vendor's business.
const MEMBER = /^[\t ]*(?:[a-z\d][\da-z_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,256})?[\t ]*$/;

/** @returns the text where it may go onward, else undefined: then the trace goes on without it */
export function checkedTracestate(text: string): string | undefined {
  if (text === '' || text.length > MAX_TRACESTATE) return undefined;
  const members = text.split(',');
  return members.length <= MAX_MEMBERS && members.every((member) => MEMBER.test(member)) ? text : undefined;
}

/** Random bytes are cheaper by the page than by the call. */
const PAGE_BYTES = 4096;

export interface TraceIds {
  traceId(): string;
  spanId(): string;
}

export function createTraceIds(): TraceIds {
  const page = Buffer.alloc(PAGE_BYTES);
  let at = PAGE_BYTES;
  const take = (bytes: number): string => {
    if (at + bytes > PAGE_BYTES) {
      randomFillSync(page);
      at = 0;
    }
    const text = page.toString('hex', at, at + bytes);
    at += bytes;
    return text;
  };
  return { traceId: () => take(16), spanId: () => take(8) };
}

const RANDOM_DIGITS = 13;
const RANDOM_RANGE = 16 ** RANDOM_DIGITS;

/** By the trace's own random part, so that whoever samples at the same share samples the same traces. */
export const isWithinShare = (traceId: string, share: number): boolean => share >= 1 || Number.parseInt(traceId.slice(-RANDOM_DIGITS), 16) < share * RANDOM_RANGE;
