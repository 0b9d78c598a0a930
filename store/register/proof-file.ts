/**
 * A proof as a file of its own (c2sp.org/tlog-proof): the record, its place, the path to the root, and the checkpoint that
 * was signed over it. Checking one needs the file and the public key, nothing else.
 */
import { claimedSize, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { strictBase64, type Verifier } from './note.ts';
import { inclusionRoot } from './proof.ts';
import { bytesOf, HASH_BYTES, hashAt, hashFromHex, leafHash, type Hash } from './tree.ts';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
/** A path has a hash for each level of the tree. */
const MAX_PATH = 64;

export interface Proof {
  /** The record's exact text. */
  readonly body: string;
  readonly seq: number;
  /** From the leaf's sibling up. */
  readonly path: readonly Hash[];
  /** The signed note. */
  readonly checkpoint: string;
}

/** `index` counts from 0, as the tree does; records are numbered from 1. */
export const proofText = ({ body, seq, path, checkpoint }: Proof): string =>
  [FIRST_LINE, `extra ${Buffer.from(body).toString('base64')}`, `index ${seq - 1}`, ...path.map((node) => bytesOf(node).toString('base64')), '', checkpoint].join('\n');

export type CheckedProof =
  | { readonly ok: true; readonly seq: number; readonly body: string; readonly checkpoint: Checkpoint }
  | { readonly ok: false; readonly reason: string };

const bad = (reason: string): CheckedProof => ({ ok: false, reason });

export function checkProof(text: string, verifier: Verifier): CheckedProof {
  const proof = parseProof(text);
  if (proof === undefined) return bad('the file is no proof of a record');
  const checkpoint = openCheckpoint(proof.checkpoint, verifier);
  if ('reason' in checkpoint) return bad(`the checkpoint of ${claimedSize(proof.checkpoint) ?? 'unknown many'} records in it is not to be believed: ${checkpoint.reason}`);
  const root = inclusionRoot(hashFromHex(leafHash(proof.body)), proof.seq - 1, checkpoint.size, proof.path);
  if (root !== checkpoint.root) return bad(`the record is not number ${proof.seq} of the ${checkpoint.size} that the checkpoint vouches for: record, place or path was changed`);
  const said = /^\{"seq":(\d+),/.exec(proof.body)?.[1];
  return said === String(proof.seq) ? { ok: true, seq: proof.seq, body: proof.body, checkpoint } : bad(`the record does not say that it is number ${proof.seq}`);
}

function parseProof(text: string): Proof | undefined {
  const border = text.indexOf('\n\n');
  const [first, extra = '', index = '', ...nodes] = text.slice(0, border).split('\n');
  const body = strictBase64(/^extra (\S+)$/.exec(extra)?.[1] ?? '');
  const place = /^index (0|[1-9]\d{0,14})$/.exec(index)?.[1];
  const path = nodes.map(strictBase64).filter((node): node is Buffer => node?.length === HASH_BYTES);
  if (border < 0 || first !== FIRST_LINE || body === undefined || place === undefined || path.length !== nodes.length || path.length > MAX_PATH) return undefined;
  return { body: body.toString(), seq: Number(place) + 1, path: path.map((node) => hashAt(node, 0)), checkpoint: text.slice(border + 2) };
}
