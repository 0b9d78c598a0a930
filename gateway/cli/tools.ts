/** `signalbox tools`: the tools as one list, as the caller named sees them. */
import type { ConnectorStatus } from '../../core/connector.ts';
import { isJsonObject, own, type JsonObject } from '../../core/json.ts';
import { printable } from '../../core/text.ts';
import { withGateway, type GatewayAccess } from './access.ts';
import { createMcpClient } from './mcp.ts';
import { counted, print, printJson, table, tell } from './print.ts';
import type { CommonOptions } from './setup.ts';

export interface CallerOptions extends CommonOptions {
  readonly as?: string;
  readonly profile?: string;
}

export function listTools(options: CallerOptions): Promise<void> {
  return withGateway(options, async (gateway) => {
    const tools = await createMcpClient({ gateway, as: options.as, profile: options.profile }).listTools();
    if (options.json === true) printJson({ tools });
    else if (tools.length > 0) print(table(tools.map((tool) => [nameOf(tool), firstLine(tool)])));
    await sayWhatIsMissing(gateway, tools.length);
  });
}

export const nameOf = (tool: JsonObject): string => String(own(tool, 'name'));

function firstLine(tool: JsonObject): string {
  const annotations = own(tool, 'annotations');
  const title = own(tool, 'title') ?? (isJsonObject(annotations) ? own(annotations, 'title') : undefined);
  const text = own(tool, 'description') ?? title;
  return typeof text === 'string' ? (text.trim().split(/\r?\n/, 1)[0] as string) : '';
}

/** A list that is shorter than it should be says so, on stderr. */
async function sayWhatIsMissing(gateway: GatewayAccess, shown: number): Promise<void> {
  const { servers } = (await gateway.admin('GET', '/status')) as { servers: ConnectorStatus[] };
  for (const { id, state, problem } of servers) {
    if (state !== 'ready') tell(`Missing: the tools of server "${id}", which is ${state}${problem === undefined ? '' : `: ${printable(problem)}`}`);
  }
  if (shown > 0) return;
  if (servers.length === 0) tell('No servers are configured. Make a configuration with "signalbox init", or add "servers" to it.');
  else if (servers.every(({ state }) => state === 'ready')) tell(`${counted(servers.length, 'server')} connected, and none of their tools may be seen here. "signalbox explain server/tool" says why.`);
}
