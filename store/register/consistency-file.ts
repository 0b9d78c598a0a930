/**
 * That one checkpoint is a beginning of another, as a file of its own: the path between the trees and both notes. There is no
 * common format for this; docs/register.md has ours.
 */
import { openCheckpoint, splitNotes, type Checkpoint } from './checkpoint.ts';
import { strictBase64, type Verifier } from './note.ts';
import { isConsistent } from './proof.ts';
import { bytesOf, HASH_BYTES, hashAt, type Hash } from './tree.ts';

export const CONSISTENCY_LINE = 'signalbox/consistency@v1';

export interface Consistency {
  readonly path: readonly Hash[];
  /** Signed notes. */
  readonly older: string;
  readonly newer: string;
}

export const consistencyText = ({ path, older, newer }: Consistency): string =>
  [CONSISTENCY_LINE, ...path.map((node) => bytesOf(node).toString('base64')), '', older, newer].join('\n');

export type CheckedConsistency =
  | { readonly ok: true; readonly older: Checkpoint; readonly newer: Checkpoint }
  | { readonly ok: false; readonly reason: string };

const bad = (reason: string): CheckedConsistency => ({ ok: false, reason });

export function checkConsistency(text: string, verifier: Verifier): CheckedConsistency {
  const border = text.indexOf('\n\n');
  const [first, ...nodes] = text.slice(0, border).split('\n');
  const path = nodes.map(strictBase64).filter((node): node is Buffer => node?.length === HASH_BYTES);
  const { notes, strayLines } = splitNotes(text.slice(border + 2));
  const [older, newer] = notes.map((note) => openCheckpoint(note, verifier));
  if (border < 0 || first !== CONSISTENCY_LINE || path.length !== nodes.length || notes.length !== 2 || strayLines > 0 || older === undefined || newer === undefined) {
    return bad('the file is no proof between two checkpoints');
  }
  if ('reason' in older) return bad(`its first checkpoint is not to be believed: ${older.reason}`);
  if ('reason' in newer) return bad(`its second checkpoint is not to be believed: ${newer.reason}`);
  const fits = isConsistent(older.size, older.root, newer.size, newer.root, path.map((node) => hashAt(node, 0)));
  return fits ? { ok: true, older, newer } : bad(`the ${newer.size} records of the second checkpoint do not begin with the ${older.size} of the first, or the path was changed`);
}
