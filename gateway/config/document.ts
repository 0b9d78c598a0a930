/** Another file beside the configuration, read with the same care: its mistakes have a place and a suggestion. */
import type { z } from 'zod';
import { adaptSynonyms } from './ide.ts';
import { reportIssues } from './issues.ts';
import { parseJson } from './json-source.ts';
import { readConfigText } from './load.ts';
import { inFileOrder, type Path, type Position, type Problem } from './problem.ts';
import { createReport, type Report } from './report.ts';
import { parseYaml } from './yaml-source.ts';

export type PositionOf = (path: Path, at: 'key' | 'value') => Position;

export type DocumentResult<T> =
  | { readonly ok: true; readonly value: T; readonly position: PositionOf }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const parseText = (text: string, file: string) => (/\.jsonc?$/i.test(file) ? parseJson(text) : parseYaml(text));

/** @param check says what the schema cannot: it may report further problems */
export function loadDocument<T>(file: string, schema: z.ZodType<T>, check: (value: T, report: Report) => void): DocumentResult<T> {
  const read = readConfigText(file);
  if (!read.ok) return read;
  const tree = parseText(read.text, file);
  const report = createReport(file, read.text, tree.root, (path) => path);
  for (const fault of tree.faults) report.fault(fault);
  if (tree.faults.length === 0) {
    const parsed = schema.safeParse(tree.value);
    if (parsed.success) check(parsed.data, report);
    else reportIssues(parsed.error.issues, tree.value, report, schema);
    if (parsed.success && report.problems.length === 0) return { ok: true, value: parsed.data, position: report.position };
  }
  return { ok: false, problems: inFileOrder(report.problems) };
}

/** Where members of a configuration stand that has been loaded already; `undefined` where it cannot be read any more. */
export function locateIn(file: string): PositionOf | undefined {
  const read = readConfigText(file);
  if (!read.ok) return undefined;
  const tree = parseText(read.text, file);
  return createReport(file, read.text, tree.root, adaptSynonyms(tree.value, file).rename).position;
}
