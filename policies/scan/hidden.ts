/**
 * Characters that a reader does not see and a model does: found, judged by where they stand, and shown harmlessly. Scripts
 * and emoji that need such characters are left alone. It reads no words.
 */
import type { Severity } from '../../core/pin.ts';

export interface Hidden {
  readonly severity: Severity;
  readonly message: string;
}

type Kind = 'tag' | 'override' | 'bidi' | 'mark' | 'terminal' | 'control' | 'invisible' | 'selector' | 'private' | 'surrogate';

interface Tally {
  count: number;
  /** Of these, how many stand where nothing honest puts them. */
  hostile: number;
  first: number;
}

const PLAIN = /^[\t\n\r\x20-\x7e]*$/;
const EMOJI = /\p{Extended_Pictographic}/u;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const HAN = /\p{Script=Han}/u;
const LETTER = /^[A-Za-z0-9]$/;
/** So many in a row are no typography any more: they carry something. */
const RUN = 3;
const BLACK_FLAG = 0x1f3f4;
const MAX_SHOWN = 80;

/** One finding for each kind of character; nothing for plain ASCII, at the cost of one look. */
export function findHidden(text: string): Hidden[] {
  if (PLAIN.test(text)) return [];
  const tallies = new Map<Kind, Tally>();
  const points = Array.from(text, (character) => character.codePointAt(0) as number);
  let hasRightToLeft: boolean | undefined;
  let run = 0;
  let tagText = '';
  for (let at = 0; at < points.length; at++) {
    const point = points[at] as number;
    const kind = kindOf(point);
    run = kind === 'invisible' || kind === 'selector' ? run + 1 : 0;
    if (kind === undefined) continue;
    if (kind === 'tag') {
      if (isFlag(points, at)) continue;
      if (tagText.length < MAX_SHOWN) tagText += tagCharacter(point);
    }
    let hostile = kind === 'tag' || kind === 'override' || kind === 'terminal' || run >= RUN;
    if (kind === 'bidi' || kind === 'mark') {
      hasRightToLeft ??= RIGHT_TO_LEFT.test(text);
      if (hasRightToLeft) continue;
      hostile = kind === 'bidi';
    } else if (kind === 'invisible') {
      if (isNeeded(points, at)) continue;
      hostile ||= splitsWord(points, at);
    } else if (kind === 'selector') {
      if (run < 2 && selectsGlyph(points, at)) continue;
      hostile ||= run >= 2 || point >= 0xe0100;
    }
    const tally = tallies.get(kind);
    if (tally === undefined) tallies.set(kind, { count: 1, hostile: hostile ? 1 : 0, first: point });
    else {
      tally.count++;
      if (hostile) tally.hostile++;
    }
  }
  return Array.from(tallies, ([kind, tally]) => describe(kind, tally, tagText));
}

function kindOf(point: number): Kind | undefined {
  if (point < 0x20) return point === 0x1b || point === 0x08 ? 'terminal' : point === 0x09 || point === 0x0a || point === 0x0d ? undefined : 'control';
  if (point < 0x7f) return undefined;
  if (point < 0xa0) return point === 0x9b ? 'terminal' : 'control';
  if (point < 0x2000) return point === 0xad || point === 0x34f || point === 0x115f || point === 0x1160 || (point >= 0x17b4 && point <= 0x17b5) || (point >= 0x180b && point <= 0x180f) ? 'invisible' : point === 0x61c ? 'mark' : undefined;
  if (point < 0x3000) {
    if (point === 0x202d || point === 0x202e) return 'override';
    if ((point >= 0x202a && point <= 0x202c) || (point >= 0x2066 && point <= 0x2069)) return 'bidi';
    if (point === 0x200e || point === 0x200f) return 'mark';
    return (point >= 0x200b && point <= 0x200d) || (point >= 0x2060 && point <= 0x2065) || (point >= 0x206a && point <= 0x206f) || point === 0x2800 ? 'invisible' : undefined;
  }
  if (point < 0xd800) return point === 0x3164 ? 'invisible' : undefined;
  if (point < 0xe000) return 'surrogate';
  if (point < 0xf900) return 'private';
  if (point < 0x10000) return point >= 0xfe00 && point <= 0xfe0f ? 'selector' : point === 0xfeff || point === 0xffa0 || (point >= 0xfff0 && point <= 0xfffb) ? 'invisible' : undefined;
  if (point < 0xe0000) return (point >= 0x1bca0 && point <= 0x1bca3) || (point >= 0x1d173 && point <= 0x1d17a) ? 'invisible' : undefined;
  if (point < 0xe0080) return 'tag';
  if (point >= 0xe0100 && point <= 0xe01ef) return 'selector';
  return point >= 0xf0000 ? 'private' : 'invisible';
}

/** The flags of England, Scotland and Wales: a black flag, at most six tags, and the tag that ends them. */
function isFlag(points: readonly number[], at: number): boolean {
  let from = at;
  while (at - from <= 7 && kindOf(points[from] ?? 0) === 'tag') from--;
  if (points[from] !== BLACK_FLAG) return false;
  let to = from + 1;
  while (to - from <= 7 && kindOf(points[to] ?? 0) === 'tag' && points[to] !== 0xe007f) to++;
  return at <= to && points[to] === 0xe007f;
}

const tagCharacter = (point: number): string => (point >= 0xe0020 && point < 0xe007f ? String.fromCharCode(point - 0xe0000) : '');

const textAt = (points: readonly number[], at: number): string => {
  const point = points[at];
  return point === undefined ? '' : String.fromCodePoint(point);
};

/** Joiners belong to emoji and to scripts that join their letters. */
function isNeeded(points: readonly number[], at: number): boolean {
  if (points[at] !== 0x200c && points[at] !== 0x200d) return false;
  const before = points[at - 1] === 0xfe0f ? textAt(points, at - 2) : textAt(points, at - 1);
  return EMOJI.test(before) || isModifier(points[at - 1]) || isJoiningLetter(points[at - 1]);
}

const isModifier = (point: number | undefined): boolean => point !== undefined && point >= 0x1f3fb && point <= 0x1f3ff;
/** From Arabic to the scripts of India and South-East Asia. */
const isJoiningLetter = (point: number | undefined): boolean => point !== undefined && ((point >= 0x0600 && point <= 0x109f) || (point >= 0x1780 && point <= 0x18af));

/** Soft hyphens are there to stand in words. */
const splitsWord = (points: readonly number[], at: number): boolean =>
  points[at] !== 0xad && LETTER.test(textAt(points, at - 1)) && LETTER.test(textAt(points, at + 1));

function selectsGlyph(points: readonly number[], at: number): boolean {
  const before = textAt(points, at - 1);
  const point = points[at] as number;
  if (point >= 0xe0100) return HAN.test(before);
  // Keycaps are digits, "#" and "*" with a selector.
  return before !== '' && !/[A-Za-z\s]/.test(before);
}

const NAMES: Readonly<Record<Kind, string>> = {
  tag: 'tag character',
  override: 'character that reverses the reading direction',
  bidi: 'character that changes the reading direction',
  mark: 'direction mark',
  terminal: 'terminal control character',
  control: 'control character',
  invisible: 'invisible character',
  selector: 'variation selector',
  private: 'private-use character',
  surrogate: 'lone surrogate',
};

function describe(kind: Kind, { count, hostile, first }: Tally, tagText: string): Hidden {
  const name = `${NAMES[kind]}${count === 1 ? '' : 's'}`;
  const says = kind === 'tag' && tagText !== '' ? `, which say ${JSON.stringify(tagText)}` : '';
  return { severity: hostile > 0 ? 'high' : 'low', message: `${count} ${name} (U+${first.toString(16).toUpperCase().padStart(4, '0')}${count === 1 ? '' : ' first'})${says}` };
}
