/** What `doctor` looks at without starting anything: programs, configuration, data directory, ledger, IDEs. */
import Database from 'better-sqlite3';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Settings } from '../../core/settings.ts';
import { createLedgerReader, createVerifier, LEDGER_FILE, publishedKey, requireSqliteVersion, verifyLedger } from '../../store/index.ts';
import { findClientConfigs, importServers, type Machine } from '../clients/index.ts';
import { formatProblem, type Problem } from '../config/index.ts';
import { freeSpace, inUnits, LITTLE_SPACE_BYTES } from '../space.ts';
import { ok, problem, warning, type Finding } from './findings.ts';
import { leadsToUs, type Address } from './ourselves.ts';
import { counted, duration } from './print.ts';

export function checkPrograms(): Finding[] {
  return [ok('Node.js', `${process.versions.node} at ${process.execPath}`), checkSqlite()];
}

function checkSqlite(): Finding {
  try {
    const db = new Database(':memory:');
    const version = db.prepare('SELECT sqlite_version()').pluck().get() as string;
    db.close();
    requireSqliteVersion(version);
    return ok('SQLite', version);
  } catch (error) {
    return problem('SQLite', (error as Error).message, 'Install the dependencies again with "npm ci".');
  }
}

export const checkSecrets = (missing: readonly Problem[]): Finding[] =>
  missing.length === 0
    ? [ok('Secrets', 'every reference leads to something')]
    : missing.map((one) => warning('Secrets', formatProblem({ ...one, hint: '' }).trimEnd(), `Set it before the start. ${one.hint ?? ''}`.trim()));

export function checkDataDir(data: string): Finding[] {
  const existing = existsSync(data);
  const dir = existing ? data : nearestExisting(data);
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch {
    return [problem('Data directory', `${data} cannot be written by this user`, `Correct the permissions of ${dir}, or name another with "data:".`)];
  }
  const free = freeSpace(dir)?.freeBytes ?? Infinity;
  const space =
    free < LITTLE_SPACE_BYTES
      ? warning('Disk space', `${inUnits(free)} are free at ${dir}`, 'Make room: calls are refused as soon as the ledger cannot be written.')
      : ok('Disk space', free === Infinity ? 'the system does not say' : `${inUnits(free)} are free`);
  if (!existing) return [ok('Data directory', `${data} will be made at the first start`), space];
  return [checkMode(data), space];
}

function checkMode(data: string): Finding {
  const open = [data, ...['gateway.json', 'secret.key', 'state.db', LEDGER_FILE].map((name) => join(data, name))].filter((path) => process.platform !== 'win32' && (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077);
  if (open.length === 0) return ok('Data directory', `${data} is open to its owner alone`);
  return warning('Data directory', `others may read ${open.join(', ')}`, `Take that away: chmod -R go-rwx ${data}`);
}

function nearestExisting(path: string): string {
  let dir = path;
  while (!existsSync(dir) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
}

/** Up to this size a ledger is checked whole; of a larger one the last records. */
const WHOLE_BELOW_BYTES = 64 * 1024 * 1024;
const LAST_RECORDS = 10_000;

export function checkLedger(data: string): Finding {
  const path = join(data, LEDGER_FILE);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return ok('Ledger', 'begins with the first start');
  const next = 'Keep a copy of the data directory as evidence, then find out who changed the ledger. "signalbox audit verify" says more.';
  try {
    const key = publishedKey(data);
    const result = verifyLedger(path, size < WHOLE_BELOW_BYTES ? { verifier: key === undefined ? undefined : createVerifier(key) } : { newest: LAST_RECORDS });
    if (!result.ok) return problem('Ledger', `${result.checkpoint === undefined ? `record ${result.seq}` : `its checkpoint of ${result.checkpoint.size} records`} is wrong: ${result.reason}`, next);
    const which = size < WHOLE_BELOW_BYTES ? '' : `the last ${LAST_RECORDS} of them looked at; `;
    return ok('Ledger', `sound, ${which}it ends at record ${result.head.seq}`);
  } catch (error) {
    return problem('Ledger', `cannot be read: ${(error as Error).message}`, next);
  }
}

/** Between machines that keep the time. */
const CLOCK_SLACK_MS = 5000;

/** A clock that was set back is seen from what was written before. */
export function checkClock(data: string, nowMs: number): Finding[] {
  const newest = newestTime(data);
  if (newest === undefined || newest <= nowMs + CLOCK_SLACK_MS) return [];
  const words = `the newest record is from ${new Date(newest).toISOString()}, which is ${duration(newest - nowMs)} from now`;
  return [warning('Clock', words, 'The clock is behind, or was ahead then. See that the machine keeps the time (NTP): budgets, approvals and keys go by it.')];
}

function newestTime(data: string): number | undefined {
  if (!existsSync(join(data, LEDGER_FILE))) return undefined;
  try {
    const reader = createLedgerReader(data);
    try {
      const [last] = reader.tail(1);
      return last === undefined ? undefined : (JSON.parse(last.body) as { time: number }).time;
    } finally {
      reader.close();
    }
  } catch {
    // That it cannot be read has been said.
    return undefined;
  }
}

export function checkClients(machine: Machine, us: Address): Finding[] {
  const found = findClientConfigs(machine);
  if (found.length === 0) return [ok('IDEs', 'no configuration of a known IDE on this machine')];
  return found.map(({ client, path }) => {
    const read = importServers(path, { cwd: machine.cwd });
    if (!read.ok) return warning(client.label, read.problem, 'Repair the file; the IDE cannot read it either.');
    const entries = Object.values(read.servers);
    if (entries.some((entry) => leadsToUs(entry, us))) {
      const beside = entries.length - 1;
      return beside === 0
        ? ok(client.label, `connected (${path})`)
        : warning(client.label, `connected, and with ${counted(beside, 'server')} beside the gateway (${path})`, `Calls to those are neither decided nor recorded: "signalbox import ${path} --write" takes them over.`);
    }
    return warning(client.label, `not connected (${path})`, `signalbox connect ${client.id} --write`);
  });
}

export function checkSettings({ rules, callers, servers }: Settings): Finding[] {
  return [
    servers.length === 0 ? warning('Servers', 'none is configured', 'Add them under "servers", or with "signalbox import FILE --write".') : ok('Servers', `${servers.length} configured`),
    rules.length === 0 ? warning('Rules', 'there are none: every tool is allowed to everybody who is let in', 'Add "rules" to the configuration.') : ok('Rules', String(rules.length)),
    ok('Callers', callers.length === 0 ? 'none: everybody on this machine is "local"' : String(callers.length)),
  ];
}
