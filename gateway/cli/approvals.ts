/** `signalbox approvals`: what waits for a person, and the person's word, through the gateway that runs. */
import type { ApprovalState } from '../../core/approval.ts';
import type { JsonObject } from '../../core/json.ts';
import { printable, printableLines } from '../../core/text.ts';
import type { ShownApproval } from '../approvals/index.ts';
import { withGateway, type GatewayAccess } from './access.ts';
import { CommandError } from './exit.ts';
import { duration, print, printJson, table, tell } from './print.ts';
import type { CommonOptions } from './setup.ts';
import { unknownCaller } from './unknown.ts';

export interface ListOptions extends CommonOptions {
  readonly state: ApprovalState | 'all';
}

export interface DecideOptions extends CommonOptions {
  readonly as?: string;
}

export function list(options: ListOptions): Promise<void> {
  return withGateway(options, async (gateway) => {
    const query = options.state === 'all' ? '' : `?state=${options.state}`;
    const { approvals } = (await gateway.admin('GET', `/approvals${query}`)) as { approvals: ShownApproval[] };
    if (options.json === true) return printJson({ approvals });
    if (approvals.length === 0) return tell(options.state === 'pending' ? 'No call waits for approval.' : 'There are no such approvals.');
    print(table([['APPROVAL', 'CALLER', 'TOOL', 'RULE', 'STATE', 'ARGUMENTS'], ...approvals.map((one) => [one.id, one.caller, one.tool, one.rule, stateOf(one), JSON.stringify(one.args)])]));
  });
}

export function show(id: string, options: CommonOptions): Promise<void> {
  return withGateway(options, async (gateway) => {
    const approval = await find(gateway, id);
    if (options.json === true) return printJson(approval);
    describe(approval);
  });
}

export function approve(id: string, options: DecideOptions & { readonly args?: JsonObject }): Promise<void> {
  return decide(id, { verdict: 'approve', ...(options.args === undefined ? {} : { arguments: options.args }) }, options, ({ caller, tool, terms, expiresAt, edited }) => {
    const { remember } = terms;
    const often = remember === 'session' ? 'within its session' : remember === 'until' ? `for ${duration(expiresAt - Date.now())}` : `once, within ${duration(expiresAt - Date.now())}`;
    return `Approved: "${caller}" may make this call of ${tool}${edited === true ? ' with your arguments' : ''} ${often}.`;
  });
}

export function deny(id: string, options: DecideOptions & { readonly reason?: string }): Promise<void> {
  return decide(id, { verdict: 'deny', ...(options.reason === undefined ? {} : { note: options.reason }) }, options, ({ caller, tool }) => `Denied: the call of ${tool} by "${caller}".`);
}

function decide(id: string, verdict: object, options: DecideOptions, words: (approval: ShownApproval) => string): Promise<void> {
  return withGateway(options, async (gateway) => {
    const { as } = options;
    const { settings } = gateway.setup;
    if (as !== undefined && !settings.callers.some((caller) => caller.id === as)) throw unknownCaller(as, settings);
    const { approval } = (await gateway.admin('POST', pathOf(id), { ...verdict, as })) as { approval: ShownApproval };
    if (options.json === true) return printJson(approval);
    tell(printable(words(approval)));
  });
}

const find = async (gateway: GatewayAccess, id: string): Promise<ShownApproval> => ((await gateway.admin('GET', pathOf(id))) as { approval: ShownApproval }).approval;

function pathOf(id: string): string {
  if (!/^ap_[0-9a-f]{32}$/.test(id)) throw new CommandError(`"${printable(id.slice(0, 64))}" is no id of an approval. "signalbox approvals list" shows them.`);
  return `/approvals/${id}`;
}

function describe(approval: ShownApproval): void {
  const { id, caller, tenant, face, tool, rule, reason, terms, createdAt, note, args, fingerprint } = approval;
  const lines: [string, string][] = [
    ['approval', id],
    ['state', stateOf(approval)],
    ['caller', tenant === 'default' ? caller : `${caller} (${tenant})`],
    ['tool', `${tool}, fingerprint ${fingerprint.slice(0, 12)}`],
    ['came by', face],
    ['rule', `${rule}: ${reason}`],
    ['approvers', terms.approvers.join(', ')],
    ['asked', new Date(createdAt).toISOString()],
    ...(note === undefined ? [] : [['note', note] as [string, string]]),
  ];
  print(table(lines, Infinity));
  print('arguments');
  print(printableLines(JSON.stringify(args, null, 2)));
}

function stateOf({ state, expiresAt, decidedBy, edited }: ShownApproval): string {
  const left = state === 'pending' || state === 'approved' ? `, ${duration(expiresAt - Date.now())} left` : '';
  return `${state}${decidedBy === undefined ? '' : ` by ${decidedBy}`}${edited === true ? ' with other arguments' : ''}${left}`;
}

