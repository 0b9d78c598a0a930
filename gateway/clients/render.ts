/** A first `signalbox.yaml`: servers in full, everything else as comments that are ready to be taken out. */
import { stringify } from 'yaml';
import { printable } from '../../core/text.ts';
import type { ServerEntry } from './entries.ts';

export interface RenderOptions {
  /** Where the servers come from, for the first lines. */
  readonly from?: readonly string[];
  /** Variables to set before the start. */
  readonly variables?: readonly string[];
  /** Address of the JSON Schema, for editors. */
  readonly schema?: string;
}

const OPTIONAL = `
# What may be called. With no rules everything may; with any, what none allows is denied.
# rules:
#   - { id: reads, effect: allow, tools: ["*/read_*", "*/list_*", "*/search_*"] }
#   - { id: no-etc, effect: deny, when: "has(args.path) && args.path.startsWith('/etc')" }

# How often, and how many at once.
# limits:
#   - { id: per-caller, per: [caller], rate: 600/min, concurrent: 20 }

# Views of the tools, each served at /mcp/NAME.
# profiles:
#   coding: { include: ["*"], names: plain }

# Who may call. With none, anyone on this machine, and only loopback may be listened on.
# callers:
#   - { id: alice, key: "\${env:ALICE_KEY}", roles: [developer] }
`;

export function renderConfig(servers: Readonly<Record<string, ServerEntry>>, options: RenderOptions = {}): string {
  const lines: string[] = [];
  if (options.schema !== undefined) lines.push(`# yaml-language-server: $schema=${printable(options.schema)}`);
  lines.push('# Signalbox: one gateway in front of your tool servers. Check this file with "signalbox check".');
  for (const from of options.from ?? []) lines.push(`# Servers taken from ${printable(from)}`);
  if (options.variables !== undefined && options.variables.length > 0) {
    lines.push('#', '# Set these environment variables before the start:', ...[...new Set(options.variables)].map((name) => `#   ${printable(name)}`));
  }
  lines.push('', 'listen: { host: 127.0.0.1, port: 7420 }', 'data: ./.signalbox        # ledger, keys and counters', '');
  // No folding of long lines, no anchors for equal values, and no blocks of text: a lone line break would not come back.
  const yaml = stringify({ servers }, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: false });
  return `${lines.join('\n')}\n${yaml}${OPTIONAL}`;
}
