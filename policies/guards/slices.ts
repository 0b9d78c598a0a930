/**
 * Long texts in slices, so that other work gets its turn. A slice ends where nothing that is looked for stands across its
 * end: the neighbourhood of each end is looked at by itself.
 */

export const SLICE_CHARS = 16 * 1024;
const REACH_CHARS = 2048;
const STEP_CHARS = 1024;
const LONGEST_KEY_CHARS = 16 * 1024;

/**
 * @param isApart whether nothing that is looked for stands across the border of two texts
 * @throws Error where no border is found: a text made to have none
 */
export function* slicesOf(text: string, isApart: (left: string, right: string) => boolean): Generator<string> {
  let from = 0;
  while (text.length - from > SLICE_CHARS + REACH_CHARS) {
    const end = endOf(text, from, isApart);
    yield text.slice(from, end);
    from = end;
  }
  yield text.slice(from);
}

function endOf(text: string, from: number, isApart: (left: string, right: string) => boolean): number {
  for (let wanted = from + SLICE_CHARS; wanted > from + REACH_CHARS; wanted -= STEP_CHARS) {
    const end = whole(text, breakBefore(text, wanted));
    if (isApart(text.slice(Math.max(from, end - REACH_CHARS), end), text.slice(end, end + REACH_CHARS))) return beyondKey(text, from, end);
  }
  throw new Error('a text that cannot be looked through in parts');
}

/** After a line, else after a character that no credential has, else anywhere. */
function breakBefore(text: string, wanted: number): number {
  const line = text.lastIndexOf('\n', wanted);
  if (line > wanted - STEP_CHARS) return line + 1;
  for (let at = wanted; at > wanted - STEP_CHARS; at--) if (/[\s"'<>(){}[\]]/.test(text[at - 1] as string)) return at;
  return wanted;
}

/** A private key (RFC 7468) is longer than the neighbourhood that is looked at. */
function beyondKey(text: string, from: number, end: number): number {
  const begin = text.lastIndexOf('-----BEGIN', end);
  if (begin < from) return end;
  const close = text.indexOf('-----END', begin);
  if (close !== -1 && close < end) return end;
  return whole(text, Math.min(text.length, close === -1 || close > begin + LONGEST_KEY_CHARS ? begin + LONGEST_KEY_CHARS : close + 64));
}

/** Never inside a surrogate pair. */
const whole = (text: string, at: number): number => (at < text.length && /[\uDC00-\uDFFF]/.test(text[at] as string) ? at + 1 : at);
