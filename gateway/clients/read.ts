/** An IDE's file as a plain value, whether it is JSON with comments or TOML. Its text is never quoted in a message. */
import { readFileSync, statSync } from 'node:fs';
import { parse as parseTomlText } from 'smol-toml';
import { createLineIndex } from '../config/source.ts';
import { decodeText } from '../config/load.ts';
import { parseJson } from '../config/json-source.ts';
import { formatPath, formatProblem } from '../config/problem.ts';
import { whyUnreadable } from '../config/secrets.ts';

/** Claude Code keeps its history in the same file as its servers. */
const MAX_CLIENT_FILE_BYTES = 64 * 1024 * 1024;

export type Block = Record<string, unknown>;
export type FileText = { readonly ok: true; readonly text: string; /** The byte order mark, or nothing. */ readonly mark: string } | { readonly ok: false; readonly missing: boolean; readonly problem: string };
export type FileValue = { readonly ok: true; readonly value: Block } | { readonly ok: false; readonly problem: string };

export const isBlock = (value: unknown): value is Block => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The text without its byte order mark. */
export function readClientText(path: string): FileText {
  let bytes: Buffer;
  try {
    if (statSync(path).size > MAX_CLIENT_FILE_BYTES) return { ok: false, missing: false, problem: `${path}: the file is larger than ${MAX_CLIENT_FILE_BYTES} bytes` };
    bytes = readFileSync(path);
  } catch (error) {
    return { ok: false, missing: (error as NodeJS.ErrnoException).code === 'ENOENT', problem: `${path}: the file ${whyUnreadable(error)}` };
  }
  const decoded = decodeText(bytes, path);
  const mark = bytes.subarray(0, 3).equals(Buffer.from('\ufeff')) ? '\ufeff' : '';
  return decoded.ok ? { ...decoded, mark } : { ok: false, missing: false, problem: decoded.problems.map(formatProblem).join('\n') };
}

export function parseClientText(text: string, path: string, format: 'json' | 'toml'): FileValue {
  if (format === 'toml') return parseToml(text, path);
  if (text.trim() === '') return { ok: true, value: {} };
  const tree = parseJson(text);
  const [fault] = tree.faults;
  if (fault !== undefined) {
    return { ok: false, problem: formatProblem({ file: path, ...createLineIndex(text)(fault.offset), path: formatPath(fault.path), message: fault.message }) };
  }
  return isBlock(tree.value) ? { ok: true, value: tree.value } : { ok: false, problem: `${path}:1:1  expected an object, "{ ... }"` };
}

function parseToml(text: string, path: string): FileValue {
  try {
    return { ok: true, value: parseTomlText(text) };
  } catch (error) {
    // Its message shows the lines around the mistake, and they may hold a secret.
    const { line = 1, column = 1 } = error as { line?: number; column?: number };
    return { ok: false, problem: `${path}:${line}:${column}  this is not valid TOML.` };
  }
}
