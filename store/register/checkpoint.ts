/**
 * Checkpoints (c2sp.org/tlog-checkpoint): the text that vouches for so many records by the root of their tree, and files
 * that hold many of them. Whether one is signed is note.ts's to say.
 */
import { bytesOf, HASH_BYTES, hashAt, type Hash } from './tree.ts';
import { strictBase64, type Verifier } from './note.ts';

export interface Checkpoint {
  readonly origin: string;
  /** How many records it vouches for. */
  readonly size: number;
  /** Root of the tree over them. */
  readonly root: Hash;
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${bytesOf(root).toString('base64')}\n`;

/** Lines beyond the third are others' extensions; ours has none. */
function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin = '', sizeText = '', rootText = '', ...rest] = text.split('\n');
  const root = strictBase64(rootText);
  const size = Number(sizeText);
  const isWhole = origin !== '' && /^(?:0|[1-9]\d*)$/.test(sizeText) && Number.isSafeInteger(size) && root?.length === HASH_BYTES && rest.at(-1) === '' && !rest.slice(0, -1).includes('');
  return isWhole ? { origin, size, root: hashAt(root, 0) } : undefined;
}

/** What a note vouches for, or why it is not believed. Without a verifier it is believed whoever signed it. */
export function openCheckpoint(note: string, verifier: Verifier | undefined): Checkpoint | { readonly reason: string } {
  if (verifier === undefined) return parseCheckpoint(textOf(note)) ?? { reason: 'it is no checkpoint' };
  const opened = verifier.open(note);
  if (!opened.ok) return opened;
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint === undefined) return { reason: 'what it says is no checkpoint' };
  return checkpoint.origin === verifier.name ? checkpoint : { reason: `it is of another log (${checkpoint.origin.slice(0, 100)})` };
}

/** The size that a note claims, for speaking of one that is not believed. */
export const claimedSize = (note: string): number | undefined => parseCheckpoint(textOf(note))?.size;

const textOf = (note: string): string => note.slice(0, note.lastIndexOf('\n\n') + 1);

const NOTES = /(?<=^|\n)(?!\u2014 )[^\n]+\n\d+\n[^\n]+\n(?:(?!\u2014 )[^\n]+\n)*\n(?:\u2014 [^\n]+\n)+/g;

/** A key's id, and an Ed25519 signature, which no other kind is shorter than. */
const LEAST_SIGNATURE_BYTES = 4 + 64;

const isWhole = (note: string): boolean =>
  note.split('\n').some((line) => line.startsWith('\u2014 ') && (strictBase64(line.split(' ')[2] ?? '')?.length ?? 0) >= LEAST_SIGNATURE_BYTES);

/**
 * The notes in a file that they were appended to, oldest first, and how many lines are none of theirs: a full disk or a
 * power failure may have left the beginning of one.
 */
export function splitNotes(text: string): { readonly notes: string[]; readonly strayLines: number } {
  const notes: string[] = [];
  const rest = (text.endsWith('\n') ? text : `${text}\n`).replaceAll(NOTES, (note) => {
    if (!isWhole(note)) return note;
    notes.push(note);
    return '\n';
  });
  return { notes, strayLines: rest.split('\n').filter((line) => line.trim() !== '').length };
}
