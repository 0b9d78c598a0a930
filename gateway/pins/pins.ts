/**
 * What was reviewed, for as long as the process lives: the lock file in force, looked at twice a second, and what is
 * remembered of definitions and names so that nothing is scanned twice. Which tool stands how is told by `judge.ts`.
 */
import type { AuditRecord, Ledger } from '../../core/audit.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { Finding, PinnedTool } from '../../core/pin.ts';
import type { Settings } from '../../core/settings.ts';
import { likenesses, scanDefinition } from '../../policies/index.ts';
import { changeLock, readLock, type PinReading } from './lock-store.ts';
import { createTeller, type Remarks } from './tell.ts';
import { createFileWatch, type WatchTimes } from './watch.ts';

export interface PinsParts {
  readonly log: Log;
  /** The lock file says other things now. */
  readonly onChange: () => void;
  readonly times?: WatchTimes;
}

export interface Pins {
  /** Takes up the lock file of a configuration, and looks at it from now on. Never throws: a broken file is a reading too. */
  take(settings: Settings): void;
  reading(): PinReading;
  /** Scanned once for each definition. */
  findings(definition: JsonObject): readonly Finding[];
  likenesses(name: string): readonly string[];
  /** Names that a server had when it was last seen: while it is away, no later one may have one like them. */
  readonly lastNames: Map<string, readonly string[]>;
  /** Says in the log what changed since it was last told. */
  tell(remarks: Remarks): void;
  /** @throws LockNotWritten */
  approve(tools: ReadonlyMap<string, PinnedTool>): void;
  /** @throws LockNotWritten */
  reject(refs: readonly string[]): void;
  /** Changes are recorded from now on. */
  recordIn(ledger: Ledger): void;
  close(): void;
}

const MAX_REMEMBERED = 50_000;

export function createPins({ log, onChange, times }: PinsParts): Pins {
  let ledger: Ledger | undefined;
  const record = (fact: AuditRecord): void => ledger?.writeSoon(fact);
  const scanned = new WeakMap<JsonObject, readonly Finding[]>();
  const likenessOf = new Map<string, readonly string[]>();
  const lastNames = new Map<string, readonly string[]>();
  let reading: PinReading = { file: { path: '', tools: new Map(), hash: '' } };
  const watch = createFileWatch((path) => adopt(readLock(path)), times);

  /** @returns whether it says other things than the one before */
  function hold(next: PinReading): boolean {
    const { path, hash, tools } = next.file;
    const isSame = path === reading.file.path && hash === reading.file.hash && next.problem === reading.problem;
    reading = next;
    if (isSame) return false;
    if (next.problem !== undefined) log.error({ path, problem: next.problem }, 'THE LOCK FILE CANNOT BE READ: no tool counts as reviewed until it can');
    else if (hash !== '') log.info({ path, tools: tools.size }, 'lock file read');
    return true;
  }

  function adopt(next: PinReading): void {
    if (!hold(next)) return;
    const { path, hash, tools } = next.file;
    record({ kind: 'pins', time: Date.now(), path, hash, tools: tools.size, ...(next.problem === undefined ? {} : { problem: next.problem.slice(0, 500) }) });
    onChange();
  }

  function change(action: 'approve' | 'reject', refs: readonly string[], apply: (tools: Map<string, PinnedTool>) => void): void {
    const next = changeLock(reading.file.path, apply);
    record({ kind: 'pins', time: Date.now(), action, tools: refs });
    adopt(next);
  }

  return {
    lastNames,
    take({ pins, scan, servers }) {
      for (const id of lastNames.keys()) if (!servers.some((server) => server.id === id)) lastNames.delete(id);
      const isUsed = pins.mode !== 'off' || scan.mode !== 'off';
      hold(isUsed ? readLock(pins.file) : { file: { path: pins.file, tools: new Map(), hash: '' } });
      watch.follow(isUsed ? pins.file : undefined);
    },
    reading: () => reading,
    findings(definition) {
      let found = scanned.get(definition);
      if (found === undefined) scanned.set(definition, (found = scanDefinition(definition)));
      return found;
    },
    likenesses(name) {
      let known = likenessOf.get(name);
      if (known === undefined) {
        if (likenessOf.size >= MAX_REMEMBERED) likenessOf.clear();
        likenessOf.set(name, (known = likenesses(name)));
      }
      return known;
    },
    tell: createTeller(log),
    approve: (tools) => change('approve', [...tools.keys()], (held) => void tools.forEach((tool, ref) => held.set(ref, tool))),
    reject: (refs) => change('reject', refs, (held) => refs.forEach((ref) => held.delete(ref))),
    recordIn(opened) {
      ledger = opened;
    },
    close: () => watch.close(),
  };
}
