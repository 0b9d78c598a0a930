/**
 * Text that somebody else wrote, made harmless for a terminal: it must not move the cursor, recolour the screen, turn its
 * reading direction or hide itself. It judges no content.
 */

/** Controls (C0, DEL, C1), invisible and reordering marks, lone surrogates, and line breaks that only Unicode knows. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const UNPRINTABLE_IN_LINES = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** As one line: every character that a terminal might obey is written as `\uXXXX`. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped);

/** The same, with line breaks and tabs left alone. JSON text stays the same JSON. */
export const printableLines = (text: string): string => text.replaceAll('\r\n', '\n').replace(UNPRINTABLE_IN_LINES, escaped);

/** UTF-16 units, as JSON escapes them. */
function escaped(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at++) text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return text;
}
