/** `signalbox retention` and `signalbox tenants`: what there is to say. */
import { InvalidArgumentError, type Command } from 'commander';
import { command, jsonOption } from '../command.ts';

export function addRetention(program: Command): void {
  const retention = program.command('retention').description('how long records keep their text: purges and legal holds');
  command(retention, 'purge', 'take the text out of old records for good; hashes and proofs stay')
    .option('--before <date>', 'records of before, e.g. 2026-07-01 (default: as audit.retention.keep says)', parseMoment)
    .option('--reason <text>', 'why, for the record')
    .option('--dry-run', 'only say how many')
    .addOption(jsonOption())
    .action(async (options) => (await import('./purge.ts')).purge(options));
  const hold = retention.command('hold').description('legal holds: what they cover is neither purged nor erased');
  command(hold, 'add', 'hold records of a tenant, a caller, a time, or what is all of these')
    .option('--tenant <tenant>', 'of this tenant')
    .option('--caller <id>', 'of this caller')
    .option('--from <date>', 'from this moment on', parseMoment)
    .option('--to <date>', 'before this moment', parseMoment)
    .requiredOption('--reason <text>', 'why, for the record')
    .addOption(jsonOption())
    .action(async (options) => (await import('./hold.ts')).addHold(options));
  command(hold, 'list', 'holds in force')
    .addOption(jsonOption())
    .action(async (options) => (await import('./hold.ts')).listHolds(options));
  command(hold, 'release', 'end a hold')
    .argument('<id>', 'id of the hold')
    .requiredOption('--reason <text>', 'why, for the record')
    .addOption(jsonOption())
    .action(async (id, options) => (await import('./hold.ts')).releaseHold(id, options));

  const tenants = program.command('tenants').description("tenants' keys, under which payloads are encrypted");
  command(tenants, 'list', 'tenants and their keys')
    .addOption(jsonOption())
    .action(async (options) => (await import('./tenants.ts')).listTenants(options));
  command(tenants, 'erase', "destroy a tenant's keys: its payloads become unreadable for good")
    .argument('<tenant>', 'name of the tenant')
    .option('--yes', 'do it; without it nothing is erased')
    .addOption(jsonOption())
    .action(async (tenant, options) => (await import('./tenants.ts')).eraseTenant(tenant, options));
  command(tenants, 'rotate', 'another key for what comes; earlier payloads stay readable')
    .argument('<tenant>', 'name of the tenant')
    .addOption(jsonOption())
    .action(async (tenant, options) => (await import('./tenants.ts')).rotateTenant(tenant, options));
}

/** Below `signalbox audit`. */
export function addPayload(audit: Command): void {
  command(audit, 'payload', 'exact arguments and results, where payloads: full kept them; that they were looked at is recorded')
    .argument('<what>', 'a record by its number, or a call by its id')
    .addOption(jsonOption())
    .action(async (what, options) => (await import('./payload.ts')).showPayload(what, options));
}

/** A date in UTC, or a moment with its zone: what leaves that open would mean another time on another machine. */
function parseMoment(text: string): number {
  const isMoment = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const ms = isMoment ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Expected a date such as 2026-07-01 (UTC), or a moment such as 2026-07-01T10:00:00Z.');
  return ms;
}
