/**
 * A configuration file into `Settings`, or into everything that is wrong with it. Reads one file and nothing else:
 * secrets are left as references, and nothing is started.
 */
import { closeSync, fstatSync, openSync, readSync, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Settings } from '../../core/settings.ts';
import { buildSettings } from './build.ts';
import { checkListen } from './check-listen.ts';
import { checkPolicy, type CheckExpression } from './check-policy.ts';
import { checkServers } from './check-servers.ts';
import { isBlock } from './checks.ts';
import { adaptSynonyms } from './ide.ts';
import { found, reportIssues } from './issues.ts';
import { parseJson } from './json-source.ts';
import { inFileOrder, type Problem } from './problem.ts';
import { createReport, type Report } from './report.ts';
import { configSchema } from './schema.ts';
import { whyUnreadable } from './secrets.ts';
import { MAX_FILE_BYTES, type SourceTree } from './source.ts';
import { parseYaml } from './yaml-source.ts';

export interface LoadOptions {
  /** Checks a `when` expression; returns what is wrong with it. Without it expressions are taken as they are. */
  readonly checkExpression?: CheckExpression;
  /** Folder that relative paths start from; the file's own by default. */
  readonly baseDir?: string;
  /** The configuration that this one is a part of: its names may be used. */
  readonly within?: Settings;
}

export type LoadResult =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

export type TextResult = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problems: readonly Problem[] };

const NAMES = ['signalbox.yaml', 'signalbox.yml', 'signalbox.json'];

/** The first of signalbox.yaml, .yml and .json that is in a folder. */
export const defaultConfigPath = (cwd: string): string | undefined =>
  NAMES.map((name) => join(cwd, name)).find((path) => existsSync(path));

export function loadConfig(path: string, options: LoadOptions = {}): LoadResult {
  const read = readConfigText(path);
  return read.ok ? parseConfig(read.text, path, options) : { ...read, warnings: [] };
}

/** The text of a file: bounded, and UTF-8. Never throws. */
export function readConfigText(path: string): TextResult {
  let bytes: Buffer;
  try {
    bytes = readBounded(path, MAX_FILE_BYTES + 1);
  } catch (error) {
    return wholeFile(path, `the file ${whyUnreadable(error)}`, 'Name another with "-c FILE", or make one with "signalbox init".');
  }
  if (bytes.length > MAX_FILE_BYTES) return wholeFile(path, `the file is larger than ${MAX_FILE_BYTES} bytes`);
  return decodeText(bytes, path);
}

/** UTF-8 with or without a byte order mark, which is dropped. */
export function decodeText(bytes: Uint8Array, path: string): TextResult {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return wholeFile(path, 'the file is saved as UTF-16', 'Save it as UTF-8.');
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const before = validPrefix(bytes);
    const line = before.split('\n');
    const problem = { file: path, line: line.length, column: (line.at(-1) ?? '').length + 1, path: '', message: 'this is not UTF-8 text', hint: 'Save the file as UTF-8.' };
    return { ok: false, problems: [problem] };
  }
}

/** The text up to the first byte that is not UTF-8. */
function validPrefix(bytes: Uint8Array): string {
  let low = 0;
  let high = bytes.length;
  const decodes = (end: number) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (decodes(middle)) low = middle;
    else high = middle - 1;
  }
  return new TextDecoder('utf-8').decode(bytes.subarray(0, low), { stream: true });
}

function readBounded(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    if (fstatSync(descriptor).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    const chunks: Buffer[] = [];
    for (let total = 0; total < maxBytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(65_536, maxBytes - total));
      const length = readSync(descriptor, chunk, 0, chunk.length, null);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
      total += length;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(descriptor);
  }
}

const wholeFile = (file: string, message: string, hint?: string): { ok: false; problems: Problem[] } => ({
  ok: false,
  problems: [{ file, line: 1, column: 1, path: '', message, ...(hint === undefined ? {} : { hint }) }],
});

/** Pure: the text of a file, and the name that messages give it and relative paths start from. Never throws. */
export function parseConfig(text: string, file: string, options: LoadOptions = {}): LoadResult {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  const tree: SourceTree = /\.jsonc?$/i.test(file) ? parseJson(plain) : parseYaml(plain);
  const adapted = adaptSynonyms(tree.value, file);
  const report = createReport(file, plain, tree.root, adapted.rename);
  for (const fault of tree.faults) report.fault(fault);
  // With a fault in the text the rest is not what was meant; its mistakes would only mislead.
  if (tree.faults.length > 0) return failed(report);
  if (adapted.both) report.problem(['mcpServers'], 'key', '"servers" and "mcpServers" are two names for one thing, and both are here', 'Put all servers under "servers".');
  for (const warning of adapted.warnings) report.warning(warning.path, 'key', warning.message, warning.hint);
  if (!isBlock(adapted.value)) {
    const empty = adapted.value === null || adapted.value === undefined;
    report.problem([], 'value', empty ? 'the file is empty' : `expected a block of "key: value" members, found ${found(adapted.value, ['key'])}`, 'Start with "servers:", or make a file with "signalbox init".');
    return failed(report);
  }
  const parsed = configSchema.safeParse(adapted.value);
  if (!parsed.success) reportIssues(parsed.error.issues, adapted.value, report);
  checkListen(adapted.value, report);
  checkServers(adapted.value, report);
  checkPolicy(adapted.value, report, options.checkExpression, options.within);
  if (!parsed.success || report.problems.length > 0) return failed(report);
  const source = resolve(file);
  return { ok: true, settings: buildSettings(parsed.data, source, options.baseDir ?? dirname(source)), warnings: inFileOrder(report.warnings) };
}

const failed = (report: Report): LoadResult => ({ ok: false, problems: inFileOrder(report.problems), warnings: inFileOrder(report.warnings) });
