/**
 * One mistake in a configuration file: where it is, what it is, what to do. Written to be read aloud.
 * Values of members that may hold secrets never get in here; see `issues.ts`.
 */
import { printable } from '../../core/text.ts';

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** `servers.files.command`; empty for the file as a whole. */
  readonly path: string;
  /** What was expected and what came, as a sentence without a full stop. */
  readonly message: string;
  /** The next step. */
  readonly hint?: string;
}

/** Keys and numbers from the root to a member. */
export type Path = readonly (string | number)[];

export interface Position {
  readonly line: number;
  readonly column: number;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/** A text in quotes, cut where it is long. */
export function quoted(text: string, maxLength = 60): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}...` : text;
  return `"${printable(cut)}"`;
}

export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (PLAIN_KEY.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${quoted(part)}]`;
  }
  return text;
}

/** `signalbox.yaml:12:5  servers.files.comand: unknown key. Did you mean "command"?` */
export function formatProblem(problem: Problem): string {
  const where = `${printable(problem.file)}:${problem.line}:${problem.column}`;
  const subject = problem.path === '' ? '' : `${problem.path}: `;
  return `${where}  ${subject}${problem.message}.${problem.hint === undefined ? '' : ` ${problem.hint}`}`;
}

/** One a line, in the order of the file. */
export const formatProblems = (problems: readonly Problem[]): string => problems.map(formatProblem).join('\n');

/** In the order of the file; a mistake found twice is said once. */
export function inFileOrder(problems: readonly Problem[]): Problem[] {
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}
