/** What a newcomer may try next, as lines that can be copied. */
import type { Setup } from './setup.ts';

export function welcome(url: string, { settings, path }: Setup): string {
  const file = path === undefined ? '' : ` -c ${relativeTo(process.cwd(), path)}`;
  const servers = settings.servers.map(({ id }) => id).join(', ');
  return `
Signalbox stands in front of: ${servers === '' ? 'no servers yet' : servers}
MCP endpoint:                ${url}/mcp

Three things to try next, in another terminal:
  1. See the tools as one list         bin/signalbox tools${file}
  2. Call one                          bin/signalbox call everything__echo '{"message":"hello"}'${file}
  3. See what the ledger says of it    bin/signalbox audit tail${file}

To connect an IDE assistant: bin/signalbox connect claude-code${file}   (or cursor, vscode, windsurf, codex, claude-desktop)
`;
}

const relativeTo = (from: string, path: string): string => (path.startsWith(`${from}/`) ? path.slice(from.length + 1) : path);
