/**
 * What a name looks like to a reader: two names with one skeleton can be taken for each other (Unicode UTS 39, section 4,
 * "skeleton"). It says nothing of whether either name is a good one.
 */
import { rectifyConfusion } from 'unicode-confusables';

/** Takes no room on the screen: controls, format characters (zero-width, bidi, tags), fillers, variation selectors. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** As it is drawn: invisible characters gone, look-alikes replaced by what they resemble. Idempotent. */
export function skeleton(text: string): string {
  let shape = text.replace(INVISIBLE, '').normalize('NFKD');
  // A look-alike may decompose, and its parts resemble something again.
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = rectifyConfusion(shape).replace(INVISIBLE, '').normalize('NFKD');
    if (next === shape) return shape;
    shape = next;
  }
  return shape;
}

const MAX_ROUNDS = 8;

/**
 * What a name is compared by. Two, because case and shape do not commute: `LIST` is `list` in another case, `Iist` (with
 * a capital i) is drawn like it.
 */
export const likenesses = (name: string): readonly [folded: string, drawn: string] => [skeleton(skeleton(name.toLowerCase()).toLowerCase()), skeleton(skeleton(name).toLowerCase())];

/** Whether a name holds characters that nobody sees, or that turn the reading direction. */
export const holdsInvisible = (name: string): boolean => name.search(INVISIBLE) !== -1;
