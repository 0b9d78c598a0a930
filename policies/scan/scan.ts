/**
 * What is suspicious in a text that a server wrote: hidden characters, instructions to the model, secrets asked for.
 * Linear in the text. A finding is a sign, not a proof, and its absence is neither.
 */
import type { Finding } from '../../core/pin.ts';
import { printable } from '../../core/text.ts';
import { findHidden } from './hidden.ts';
import { findInstructions, type Said } from './instructions.ts';
import { findSecretsAsked, nameDotFiles } from './secrets.ts';
import { wordsOf } from './words.ts';

export type TextFinding = Omit<Finding, 'at'>;

const MAX_MESSAGE = 300;

/** For any text of a server: descriptions, results, errors. The caller bounds its length. */
export function scanText(text: string): TextFinding[] {
  const found: TextFinding[] = findHidden(text).map(({ severity, message }) => finding('hidden-unicode', { severity, message }));
  const words = wordsOf(nameDotFiles(text));
  for (const said of findInstructions(text, words)) found.push(finding('instructions', said));
  for (const said of findSecretsAsked(words)) found.push(finding('asks-secrets', said));
  return found;
}

export const finding = (kind: Finding['kind'], { severity, message }: Said): TextFinding => ({ kind, severity, message: printable(message.slice(0, MAX_MESSAGE)) });
