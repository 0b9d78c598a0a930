/** What `doctor` finds: one thing looked at, how it stands, and what to do about it. */
import { printable } from '../../core/text.ts';

export type State = 'ok' | 'warning' | 'problem';

export interface Finding {
  /** What was looked at. */
  readonly check: string;
  readonly state: State;
  readonly message: string;
  /** The next step, where there is something to do. */
  readonly next?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });
export const warning = (check: string, message: string, next: string): Finding => ({ check, state: 'warning', message, next });
export const problem = (check: string, message: string, next: string): Finding => ({ check, state: 'problem', message, next });

const MARKS: Readonly<Record<State, string>> = { ok: 'ok     ', warning: 'WARNING', problem: 'PROBLEM' };

export function describeFinding({ check, state, message, next }: Finding): string {
  const step = next === undefined ? '' : `\n${' '.repeat(9)}-> ${printable(next)}`;
  return `${MARKS[state]}  ${printable(`${check}: ${message}`)}${step}`;
}
