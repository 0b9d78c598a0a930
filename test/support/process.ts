/** The real program as a process, for what only a process shows: signals, files that change, its own event loop. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createLedgerReader } from '../../store/index.ts';
import type { RecordBody } from './gateway.ts';
import { mcpClient, type ClientOptions, type McpCaller } from './mcp.ts';
import { until } from './poll.ts';

export const SIGNALBOX = new URL('../../bin/signalbox', import.meta.url).pathname;

export interface ServingProcess {
  readonly url: string;
  readonly child: ChildProcess;
  readonly configPath: string;
  stderr(): string;
  writeConfig(text: string): void;
  client(options?: ClientOptions): McpCaller;
  records(): RecordBody[];
}

export async function serve(config: object, env: Readonly<Record<string, string>> = {}): Promise<ServingProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-serve-'));
  const configPath = join(dir, 'signalbox.json');
  const writeConfig = (text: string): void => writeFileSync(configPath, text);
  writeConfig(JSON.stringify({ data: './data', ...config }));
  const child = spawn(process.execPath, [SIGNALBOX, 'serve', '-c', configPath, '--port', '0'], { env: { PATH: process.env['PATH'] ?? '', HOME: dir, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  const url = await until('the address that it listens on', () => /^listening on (\S+)$/m.exec(out)?.[1], 30_000);
  return {
    url,
    child,
    configPath,
    stderr: () => err,
    writeConfig,
    client: (options: ClientOptions = {}) => mcpClient(url, options),
    records() {
      const reader = createLedgerReader(join(dir, 'data'));
      const records = reader.after(0, 100_000).filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body) as RecordBody);
      reader.close();
      return records;
    },
  };
}
