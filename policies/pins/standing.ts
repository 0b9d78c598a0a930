/**
 * Whether a tool may be seen and called, from what is known of it: its name, the lock file, the scan. It reads no file and
 * scans nothing.
 */
import type { Finding, PinnedTool, Standing } from '../../core/pin.ts';
import type { PinSettings, ScanSettings } from '../../core/settings.ts';
import type { NameProblem } from '../names/register.ts';

export interface ToolFacts {
  readonly fingerprint: string;
  /** What the lock file holds of it. */
  readonly pinned: PinnedTool | undefined;
  /** Why the lock file could not be read, in words. */
  readonly lockProblem: string | undefined;
  /** Of the scan; asked for only where they matter. */
  readonly findings: () => readonly Finding[];
  readonly nameProblem: NameProblem | undefined;
}

export interface Modes {
  readonly pins: PinSettings['mode'];
  readonly scan: ScanSettings['mode'];
}

const CLEAR: Standing = { type: 'clear' };

export function standingOf(facts: ToolFacts, modes: Modes): Standing {
  const isPinned = facts.pinned?.fingerprint === facts.fingerprint;
  const { nameProblem } = facts;
  if (nameProblem !== undefined && (nameProblem.isFinal || !isPinned)) return { type: 'quarantined', cause: 'name', why: nameProblem.why };
  if (isPinned) return CLEAR;
  const byPins = unpinned(facts, modes.pins);
  if (byPins?.type === 'quarantined') return byPins;
  return scanned(facts, modes.scan) ?? byPins ?? CLEAR;
}

function unpinned({ pinned, lockProblem }: ToolFacts, mode: Modes['pins']): Standing | undefined {
  if (mode === 'off') return undefined;
  const type = mode === 'enforce' ? 'quarantined' : 'noted';
  if (lockProblem !== undefined) return { type, cause: 'lock', why: `the lock file cannot be read: ${lockProblem}` };
  if (pinned === undefined) return { type, cause: 'new', why: 'it has not been reviewed' };
  return { type, cause: 'changed', why: 'it is no longer what was reviewed' };
}

function scanned({ findings }: ToolFacts, mode: Modes['scan']): Standing | undefined {
  if (mode === 'off') return undefined;
  const hostile = findings().find(({ severity }) => severity === 'high');
  if (hostile === undefined) return undefined;
  return { type: mode === 'enforce' ? 'quarantined' : 'noted', cause: 'scan', why: `${hostile.at === '' ? 'it' : `its ${hostile.at}`}: ${hostile.message}` };
}
