/** Servers that change what they say, and a lock file beside the gateway in front of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PinsReport } from '../../gateway/pins/index.ts';
import type { StatusReport } from '../../gateway/status.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

export type ToolText = { readonly name: string } & Readonly<Record<string, unknown>>;

export interface ChangingServer {
  /** What stands under `servers:` for it. */
  readonly server: object;
  setTools(tools: readonly ToolText[]): void;
  /** Names of the tools that it executed, in order. */
  executed(): string[];
}

export function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-pins-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

export function changingServer(tools: readonly ToolText[]): ChangingServer {
  const dir = newFolder();
  const toolsFile = join(dir, 'tools.json');
  const executedFile = join(dir, 'executed');
  const setTools = (next: readonly ToolText[]): void => writeFileSync(toolsFile, JSON.stringify(next));
  setTools(tools);
  writeFileSync(executedFile, '');
  return {
    server: { command: process.execPath, args: [new URL('./server.ts', import.meta.url).pathname, toolsFile, executedFile] },
    setTools,
    executed: () => readFileSync(executedFile, 'utf8').split('\n').filter(Boolean),
  };
}

export const honest = (name: string, more: object = {}): ToolText => ({ name, description: `Does what "${name}" says.`, inputSchema: { type: 'object', properties: { path: { type: 'string', description: 'A path' } } }, annotations: { readOnlyHint: true }, ...more });

export interface PinnedGateway {
  readonly gateway: TestGateway;
  readonly lock: string;
  admin<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<{ readonly status: number; readonly body: T }>;
  report(): Promise<PinsReport>;
  status(): Promise<StatusReport>;
  /** Approves these tools as they are now. */
  approve(...tools: string[]): Promise<void>;
}

export async function startPinned(config: { pins?: object; [key: string]: unknown }): Promise<PinnedGateway> {
  const lock = join(newFolder(), 'signalbox.lock');
  const gateway = await startGateway({ ...config, pins: { file: lock, ...config.pins } });
  const admin = async <T>(method: string, path: string, body?: object): Promise<{ status: number; body: T }> => {
    const response = await fetch(`${gateway.url}/admin${path}`, { method, headers: { authorization: `Bearer ${gateway.operatorToken}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: response.status, body: (await response.json()) as T };
  };
  const report = async (): Promise<PinsReport> => (await admin<PinsReport>('GET', '/pins')).body;
  return {
    gateway,
    lock,
    admin,
    report,
    status: async () => (await admin<StatusReport>('GET', '/status')).body,
    async approve(...refs) {
      const { tools } = await report();
      const wanted = refs.map((ref) => ({ tool: ref, fingerprint: tools.find(({ tool }) => tool === ref)?.fingerprint }));
      const { status, body } = await admin('POST', '/pins/approve', { tools: wanted });
      if (status !== 200) throw new Error(JSON.stringify(body));
    },
  };
}
