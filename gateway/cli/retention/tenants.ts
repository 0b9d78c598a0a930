/** `signalbox tenants`. */
import { printable } from '../../../core/text.ts';
import type { TenantKey } from '../../../store/index.ts';
import { CommandError, EXIT } from '../exit.ts';
import { counted, print, printJson, table, tell } from '../print.ts';
import type { CommonOptions } from '../setup.ts';
import { act } from './access.ts';

export async function listTenants(options: CommonOptions): Promise<void> {
  const { keys } = (await act(options, 'tenants', {})) as { keys: TenantKey[] };
  if (options.json === true) return printJson({ keys });
  if (keys.length === 0) return tell('No tenant has a key: payloads are recorded with "audit.payloads: full" only.');
  print(table([['TENANT', 'KEY', 'MONTH', 'MADE', 'STATE'], ...keys.map(({ id, tenant, epoch, createdAt, erasedAt }) => [tenant, id, epoch, day(createdAt), erasedAt === undefined ? 'in force' : `erased ${day(erasedAt)}`])]));
}

export async function eraseTenant(tenant: string, options: CommonOptions & { readonly yes?: boolean }): Promise<void> {
  if (options.yes !== true) {
    throw new CommandError(`Every payload of tenant "${printable(tenant)}" would become unreadable, for good and for everybody. Nothing was erased.\nTo do it: signalbox tenants erase TENANT --yes`, EXIT.usage);
  }
  const erased = (await act(options, 'erase', { tenant })) as { keys: string[] };
  if (options.json === true) return printJson(erased);
  tell(printable(`${counted(erased.keys.length, 'key')} of tenant "${tenant}" destroyed: its payloads cannot be read any more. Copies of the data directory made before still hold them.`));
}

export async function rotateTenant(tenant: string, options: CommonOptions): Promise<void> {
  const { key } = (await act(options, 'rotate', { tenant })) as { key: TenantKey };
  if (options.json === true) return printJson(key);
  tell(printable(`Payloads of tenant "${tenant}" are encrypted under key ${key.id} from now on.`));
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
