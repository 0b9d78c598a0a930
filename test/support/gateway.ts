/** A real gateway in this process: a configuration as text or data, a data directory of its own, a free port. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Settings } from '../../core/settings.ts';
import { createSecretSource, formatProblems, parseConfig } from '../../gateway/config/index.ts';
import { openHall, type Hall } from '../../gateway/hall.ts';
import { createLog } from '../../gateway/log.ts';
import { checkExpression, createKnownSecrets, createRedactor } from '../../policies/index.ts';
import { createLedgerReader, lockDataDir } from '../../store/index.ts';
import { mcpClient, type ClientOptions, type McpCaller } from './mcp.ts';
import { until } from './poll.ts';

export type RecordBody = Record<string, unknown> & { readonly kind: string };

export interface TestGateway {
  readonly url: string;
  readonly hall: Hall;
  readonly dataDir: string;
  /** The configuration as a file, for commands beside this gateway. */
  readonly configPath: string;
  readonly operatorToken: string;
  /** What the gateway logged, as it would have appeared on stderr. */
  log(): string;
  client(options?: ClientOptions): McpCaller;
  records(): RecordBody[];
  /** Waits until a record is there. */
  record(what: string, holds: (record: RecordBody) => boolean): Promise<RecordBody>;
  reload(config: object): void;
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of one that goes with the test. */
  readonly dataDir?: string;
  /** Who ends it; vitest's `onTestFinished` unless told otherwise. */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

export async function startGateway(config: object, options: GatewayOptions = {}): Promise<TestGateway> {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-gateway-'));
  const dataDir = options.dataDir ?? join(dir, 'data');
  const secrets = createSecretSource({ env: options.env ?? {}, baseDir: dir });
  const settings = settingsOf(config, dir, dataDir);
  const lock = lockDataDir(dataDir);
  if ('heldBy' in lock) throw new Error(`${dataDir} is in use`);
  const configPath = join(dir, 'signalbox.json');
  writeFileSync(configPath, JSON.stringify(config));
  const lines: string[] = [];
  const known = createKnownSecrets();
  const log = createLog({ level: 'debug', format: 'json', redactText: createRedactor({ extraNames: [], known }).redactText, write: (line) => void lines.push(line) });
  const hall = await openHall({ settings, secrets, known, log, lock });
  const close = async (): Promise<void> => {
    await hall.close(1000);
    lock.release();
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  };
  (options.atEnd ?? onTestFinished)(close);
  await hall.box().settled;

  const records = (): RecordBody[] => {
    const reader = createLedgerReader(dataDir);
    try {
      return reader.after(0, 1_000_000).filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body) as RecordBody);
    } finally {
      reader.close();
    }
  };
  return {
    url: hall.url,
    hall,
    dataDir,
    configPath,
    operatorToken: lock.info.adminToken,
    log: () => lines.join(''),
    client: (more = {}) => mcpClient(hall.url, more),
    records,
    record: (what, holds) => until(`a record of ${what}`, () => records().find(holds)),
    reload: (next) => hall.reload(settingsOf(next, dir, dataDir), secrets),
    close: () => hall.close(1000),
  };
}

/** @throws Error with every problem */
function settingsOf(config: object, dir: string, data: string): Settings {
  const listen = { host: '127.0.0.1', port: 0, ...(config as { listen?: object }).listen };
  const loaded = parseConfig(JSON.stringify({ ...config, data, listen }), join(dir, 'signalbox.json'), { checkExpression });
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems));
  return loaded.settings;
}
