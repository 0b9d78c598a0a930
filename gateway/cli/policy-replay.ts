/** `signalbox policy replay`: a draft of rules over the recorded calls, beside a gateway or without one. Reads only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { LedgerReader, StoredRecord } from '../../core/audit.ts';
import type { Settings } from '../../core/settings.ts';
import { printable } from '../../core/text.ts';
import { checkExpression, compileRules } from '../../policies/index.ts';
import { createLedgerReader, LEDGER_FILE } from '../../store/index.ts';
import { formatProblems, loadConfig, loadDocument, parseDuration } from '../config/index.ts';
import { replay, type Change, type Draft, type Replay } from '../policy/index.ts';
import { CommandError, EXIT } from './exit.ts';
import { counted, print, printJson, table, tell } from './print.ts';
import { readSetup, type CommonOptions } from './setup.ts';

export interface ReplayCommand extends CommonOptions {
  /** `7d`, or a time in ISO 8601. */
  readonly since: string;
  readonly rules?: string;
}

const RECORDS_PER_READ = 2000;
/** Calls shown of each kind of change. */
const EXAMPLES = 3;
const MAX_SHOWN_CHARS = 200;

export function replayPolicy(options: ReplayCommand): void {
  const { settings } = readSetup(options);
  const sinceMs = sinceOf(options.since);
  const draft = options.rules === undefined ? settings : draftFrom(options.rules, settings);
  const reader = openReader(settings.data);
  try {
    const done = replay({ records: () => all(reader), draft, inForce: compileRules(settings.rules), sinceMs });
    if (options.json === true) printJson({ since: new Date(sinceMs).toISOString(), ...done });
    else show(done, sinceMs, options.rules);
  } finally {
    reader.close();
  }
}

function sinceOf(text: string): number {
  const duration = parseDuration(text);
  const time = duration === undefined ? Date.parse(text) : Date.now() - duration;
  if (Number.isNaN(time)) throw new CommandError(`"${printable(text)}" is no time: expected a duration such as 7d or 12h, or a time such as 2026-07-28T10:00:00Z.`, EXIT.usage);
  return time;
}

/** A whole configuration, or only its rules and labels: then the rest is that of the configuration in force. */
function draftFrom(file: string, current: Settings): Draft {
  const looked = loadDocument(file, z.record(z.string(), z.unknown()), () => {});
  const keys = looked.ok ? Object.keys(looked.value) : [];
  const isPart = keys.length > 0 && keys.every((key) => ['rules', 'labels', '$schema'].includes(key));
  const loaded = loadConfig(file, isPart ? { checkExpression, within: current } : { checkExpression });
  for (const warning of loaded.warnings) tell(`warning: ${formatProblems([warning])}`);
  if (!loaded.ok) throw new CommandError(formatProblems(loaded.problems), EXIT.usage);
  if (!isPart) return loaded.settings;
  const { rules, labels } = loaded.settings;
  return { ...current, rules: keys.includes('rules') ? rules : current.rules, labels: keys.includes('labels') ? labels : current.labels };
}

function openReader(data: string): LedgerReader {
  if (!existsSync(join(data, LEDGER_FILE))) throw new CommandError(`There is no ledger in ${data} yet: it begins with the first start of the gateway. Is this the right data directory? ("--data DIR")`);
  return createLedgerReader(data);
}

function* all(reader: LedgerReader): Generator<StoredRecord> {
  let seq = 0;
  for (;;) {
    const records = reader.after(seq, RECORDS_PER_READ);
    // Nothing is said any more by what was purged.
    yield* records.filter(({ body }) => body !== '');
    if (records.length < RECORDS_PER_READ) return;
    seq = records.at(-1)?.seq ?? seq;
  }
}

function show({ calls, unchanged, changed, otherRule, undecidable, notDecided, unrecorded }: Replay, sinceMs: number, file: string | undefined): void {
  print(`${counted(calls, 'call')} since ${timeOf(sinceMs)}, decided anew by ${file === undefined ? 'the rules of the configuration' : printable(file)}:`);
  print(table([
    ['  otherwise', String(changed.length)],
    ['  the same, by another rule', String(otherRule.length)],
    ['  undecidable', String(undecidable.length)],
    ['  as they were', String(unchanged)],
    ['  refused before any rule', String(notDecided)],
  ]));
  group('DECIDED OTHERWISE', changed, fromTo);
  group('THE SAME, BY ANOTHER RULE', otherRule, fromTo);
  group('UNDECIDABLE', undecidable, ({ why }) => why);
  if (unrecorded > 0) tell(`note: ${counted(unrecorded, 'refusal')} could not be recorded then, and are not among these.`);
  tell('note: roles are those that callers have in the configuration now; they are not recorded.');
}

const fromTo = ({ from, to }: Change): string => `${told(from.effect, from.rule)} -> ${told(to.effect, to.rule ?? to.rules?.join(' or '))}`;

const told = (effect: string, rule: string | undefined): string => `${effect}${rule === undefined ? '' : ` (${rule})`}`;

function group<T extends Change | Replay['undecidable'][number]>(title: string, calls: readonly T[], kindOf: (call: T) => string): void {
  if (calls.length === 0) return;
  const kinds = new Map<string, T[]>();
  for (const call of calls) {
    const kind = kindOf(call);
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, [call]);
    else known.push(call);
  }
  print(`\n${title}`);
  for (const [kind, those] of [...kinds].sort(([, a], [, b]) => b.length - a.length)) {
    print(printable(`${those.length}  ${kind}`));
    for (const { seq, time, caller, tool, args } of those.slice(0, EXAMPLES)) {
      const shown = JSON.stringify(args ?? {});
      const cut = args === undefined ? '(arguments not recorded)' : shown.length > MAX_SHOWN_CHARS ? `${shown.slice(0, MAX_SHOWN_CHARS)}…` : shown;
      print(printable(`     ${seq}  ${timeOf(time)}  ${caller}  ${tool}  ${cut}`));
    }
    if (those.length > EXAMPLES) print(`     and ${those.length - EXAMPLES} more ("--json" lists all)`);
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
