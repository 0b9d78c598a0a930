/**
 * The IDE clients that Signalbox knows: where each keeps its servers, under which key, and how it writes an entry.
 * Knowledge only; nothing is read here.
 */
import { posix, win32 } from 'node:path';

export type ClientId = 'claude-code' | 'claude-desktop' | 'cursor' | 'vscode' | 'windsurf' | 'codex';

export interface Machine {
  readonly home: string;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Location {
  readonly path: string;
  /** `user`: for all work of this user; `project`: for the folder only. */
  readonly scope: 'user' | 'project';
}

/** How the gateway is reached: over HTTP, or as a process that the IDE starts. */
export interface ConnectTarget {
  /** Name of the entry; `signalbox` by default. */
  readonly name?: string;
  readonly url: string;
  /** Environment variable that holds the caller's key; absent where no callers are configured. */
  readonly keyVariable?: string;
  /** Used for clients that start processes only, or with `prefer: 'stdio'`. */
  readonly stdioCommand: { readonly command: string; readonly args: readonly string[] };
  readonly prefer?: 'http' | 'stdio';
}

export type Entry = Readonly<Record<string, unknown>>;

export interface Client {
  readonly id: ClientId;
  readonly label: string;
  readonly format: 'json' | 'toml';
  /** Key of the map of servers. */
  readonly key: 'mcpServers' | 'servers' | 'mcp_servers';
  /** The user's file first. */
  locations(machine: Machine): readonly Location[];
  entry(target: ConnectTarget): Entry;
  /** What the person still does after the entry is there. */
  readonly afterwards: string;
}

const stdioEntry = ({ stdioCommand }: ConnectTarget): Entry => ({ command: stdioCommand.command, args: stdioCommand.args });

/** `headers`, with the reference in the client's own spelling. */
const bearer = (target: ConnectTarget, reference: (name: string) => string) =>
  target.keyVariable === undefined ? {} : { headers: { Authorization: `Bearer ${reference(target.keyVariable)}` } };

const envReference = (name: string) => `\${env:${name}}`;

function appData(machine: Machine, application: string, ...rest: string[]): string {
  const { home, platform, env } = machine;
  if (platform === 'win32') return win32.join(env['APPDATA'] ?? win32.join(home, 'AppData', 'Roaming'), application, ...rest);
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', application, ...rest);
  return posix.join(env['XDG_CONFIG_HOME'] ?? posix.join(home, '.config'), application, ...rest);
}

const join = (machine: Machine, ...parts: string[]) => (machine.platform === 'win32' ? win32 : posix).join(...parts);
const user = (path: string): Location => ({ path, scope: 'user' });
const project = (path: string): Location => ({ path, scope: 'project' });

export const CLIENTS: readonly Client[] = [
  {
    id: 'claude-code', label: 'Claude Code', format: 'json', key: 'mcpServers',
    locations: (machine) => [
      user(join(machine, machine.env['CLAUDE_CONFIG_DIR'] ?? machine.home, '.claude.json')),
      project(join(machine, machine.cwd, '.mcp.json')),
    ],
    entry: (target) => (target.prefer === 'stdio' ? { type: 'stdio', ...stdioEntry(target) } : { type: 'http', url: target.url, ...bearer(target, (name) => `\${${name}}`) }),
    afterwards: 'Start a new Claude Code session; "/mcp" shows the server.',
  },
  {
    id: 'claude-desktop', label: 'Claude Desktop', format: 'json', key: 'mcpServers',
    locations: (machine) => [user(appData(machine, 'Claude', 'claude_desktop_config.json'))],
    // Its file knows processes only.
    entry: stdioEntry,
    afterwards: 'Quit Claude Desktop and start it again.',
  },
  {
    id: 'cursor', label: 'Cursor', format: 'json', key: 'mcpServers',
    locations: (machine) => [user(join(machine, machine.home, '.cursor', 'mcp.json')), project(join(machine, machine.cwd, '.cursor', 'mcp.json'))],
    entry: (target) => (target.prefer === 'stdio' ? stdioEntry(target) : { url: target.url, ...bearer(target, envReference) }),
    afterwards: 'Switch the server on in Cursor\'s settings, under MCP.',
  },
  {
    id: 'vscode', label: 'VS Code', format: 'json', key: 'servers',
    locations: (machine) => [user(appData(machine, 'Code', 'User', 'mcp.json')), project(join(machine, machine.cwd, '.vscode', 'mcp.json'))],
    entry: (target) => (target.prefer === 'stdio' ? { type: 'stdio', ...stdioEntry(target) } : { type: 'http', url: target.url, ...bearer(target, envReference) }),
    afterwards: 'Run "MCP: List Servers" in VS Code and start the server.',
  },
  {
    id: 'windsurf', label: 'Windsurf', format: 'json', key: 'mcpServers',
    locations: (machine) => [user(join(machine, machine.home, '.codeium', 'windsurf', 'mcp_config.json'))],
    entry: (target) => (target.prefer === 'stdio' ? stdioEntry(target) : { serverUrl: target.url, ...bearer(target, envReference) }),
    afterwards: 'Refresh the list of MCP servers in Windsurf.',
  },
  {
    id: 'codex', label: 'Codex', format: 'toml', key: 'mcp_servers',
    locations: (machine) => [user(join(machine, machine.env['CODEX_HOME'] ?? join(machine, machine.home, '.codex'), 'config.toml'))],
    entry: (target) => (target.prefer === 'stdio' ? stdioEntry(target) : { url: target.url, ...(target.keyVariable === undefined ? {} : { bearer_token_env_var: target.keyVariable }) }),
    afterwards: 'Start Codex again; "/mcp" shows the server.',
  },
];

export const clientById = (id: string): Client | undefined => CLIENTS.find((client) => client.id === id);
