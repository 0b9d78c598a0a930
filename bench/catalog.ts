/**
 * What many tools cost: the cold start with ten stdio servers against starting them bare, and the list of all their
 * tools against a bare server that holds the same list and serialises it for each request.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../core/json.ts';
import { onLine } from './fixtures/lines.ts';
import { startLoadGenerator } from './fixtures/load-generator.ts';
import { benchScript, gatewayProcesses, memoryOf, startServer, type Memory, type RunningProcess } from './fixtures/processes.ts';
import { ERAS, headersFor, INITIALIZE, INITIALIZED, listTemplate, type Era } from './fixtures/requests.ts';
import { startSignalbox, untilReady, type ServerEntry } from './fixtures/signalbox.ts';
import { medianOf } from './fixtures/statistics.ts';
import type { Round } from './load.ts';
import { SERVERS, TOOLS_EACH, type Plan } from './plan.ts';

const TOOLS = SERVERS * TOOLS_EACH;
const READY_TIMEOUT_MS = 30_000;

export interface ColdStarts {
  /** Milliseconds, one for each round. */
  readonly bareMs: readonly number[];
  readonly signalboxMs: readonly number[];
}

export type ListSide = 'bare' | 'signalbox';

export interface ListRow extends Round {
  readonly era: Era;
  readonly side: ListSide;
}

export interface ListResult {
  readonly rows: readonly ListRow[];
  readonly bytes: number;
  readonly memory: Memory;
}

const commandOf = (script: string): { command: string; args: string[] } => ({
  command: process.execPath,
  args: [benchScript(script), '--tools', String(TOOLS_EACH)],
});

const tenServers = (script: string): Record<string, ServerEntry> =>
  Object.fromEntries(Array.from({ length: SERVERS }, (_, index) => [`server${index}`, commandOf(script)]));

export async function measureColdStarts(folder: string, plan: Plan): Promise<ColdStarts> {
  const bareMs: number[] = [];
  const signalboxMs: number[] = [];
  for (let round = 0; round < plan.coldStarts; round += 1) {
    bareMs.push(await startBare());
    signalboxMs.push(await startThroughSignalbox(join(folder, `cold-${round}`)));
  }
  return { bareMs, signalboxMs };
}

/** From the first spawn until the last of the lists is there, as a client that starts its servers itself would. */
async function startBare(): Promise<number> {
  const startedAt = performance.now();
  const children = Array.from({ length: SERVERS }, () => {
    const { command, args } = commandOf('upstream-stdio-sdk.ts');
    return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }) as unknown as ChildProcessWithoutNullStreams;
  });
  const counts = await Promise.all(children.map(listOverStdio));
  const tookMs = performance.now() - startedAt;
  await Promise.all(children.map((child) => new Promise((gone) => child.once('exit', gone) && child.stdin.end())));
  checkCount(counts.reduce((sum, count) => sum + count, 0));
  return tookMs;
}

function listOverStdio(child: ChildProcessWithoutNullStreams): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('a bare server went away')));
    onLine(child.stdout, (line) => {
      const { id, result } = JSON.parse(line) as { id?: number; result?: { tools?: unknown[] } };
      if (id === INITIALIZE.id) {
        child.stdin.write(`${JSON.stringify(INITIALIZED)}\n${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' })}\n`);
      } else if (id === 2) resolve(result?.tools?.length ?? 0);
    });
    child.stdin.write(`${JSON.stringify(INITIALIZE)}\n`);
  });
}

/** From the spawn of the gateway, with a data directory that does not exist yet, until the whole list came through it. */
async function startThroughSignalbox(folder: string): Promise<number> {
  mkdirSync(folder);
  const startedAt = performance.now();
  const box = await startSignalbox(folder, tenServers('upstream-stdio-sdk.ts'), 'everything');
  try {
    await untilReady(box.url, READY_TIMEOUT_MS);
    const tools = await listAll(`${box.url}/mcp`);
    const tookMs = performance.now() - startedAt;
    checkCount(tools.length);
    return tookMs;
  } finally {
    await box.stop();
  }
}

function checkCount(count: number): void {
  if (count !== TOOLS) throw new Error(`expected ${TOOLS} tools, got ${count}`);
}

/** All tools, page by page. */
async function listAll(url: string): Promise<JsonObject[]> {
  const tools: JsonObject[] = [];
  let cursor: string | undefined;
  do {
    const request = listTemplate('2026', cursor);
    const answer = await fetch(url, {
      method: 'POST',
      headers: headersFor('2026', request, undefined),
      body: `${request.before}1${request.after}`,
    });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`tools/list was answered with ${answer.status}: ${text.slice(0, 300)}`);
    const { result } = JSON.parse(text) as { result: { tools: JsonObject[]; nextCursor?: string } };
    tools.push(...result.tools);
    cursor = result.nextCursor;
  } while (cursor !== undefined);
  return tools;
}

export async function measureList(folder: string, plan: Plan): Promise<ListResult> {
  const running: RunningProcess[] = [];
  const load = startLoadGenerator();
  try {
    const box = await startSignalbox(folder, tenServers('upstream-stdio.ts'), 'everything');
    running.push(box);
    await untilReady(box.url, READY_TIMEOUT_MS);
    const tools = await listAll(`${box.url}/mcp`);
    checkCount(tools.length);
    const list = join(folder, 'list.json');
    writeFileSync(list, JSON.stringify(tools));
    const bare = await startServer([benchScript('upstream-http.ts'), '--list', list]);
    running.push(bare);

    const subjects = [
      { side: 'bare', url: bare.url, pids: [bare.pid] },
      { side: 'signalbox', url: box.url, pids: gatewayProcesses(box.pid) },
    ] as const;
    const run = (subject: (typeof subjects)[number], era: Era, rampMs: number, windowMs: number): Promise<Round> =>
      load.run({
        target: { kind: 'http', url: `${subject.url}/mcp` },
        era,
        operation: { type: 'list' },
        concurrency: 1,
        rampMs,
        windowMs,
        pids: subject.pids,
      });
    const rows: ListRow[] = [];
    for (const era of ERAS) {
      for (const subject of subjects) await run(subject, era, 0, plan.warmUpMs);
      const rounds: Record<ListSide, Round[]> = { bare: [], signalbox: [] };
      for (let round = 0; round < plan.rounds; round += 1) {
        for (const subject of subjects) rounds[subject.side].push(await run(subject, era, plan.rampMs, plan.windowMs));
      }
      for (const { side } of subjects) rows.push({ era, side, ...medianOf(rounds[side]) });
    }
    return { rows, bytes: Buffer.byteLength(JSON.stringify(tools)), memory: memoryOf(gatewayProcesses(box.pid)) };
  } finally {
    load.close();
    for (const one of running.toReversed()) await one.stop();
  }
}
