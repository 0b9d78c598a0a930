/**
 * A gateway whose rule asks, in front of a tool server that counts what it executes; and the person who is asked. The
 * gateway can be ended and started again on its port and its data, and be given other rules.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ApprovalRequest, ApprovalVerdict } from '../../core/approval.ts';
import { OPERATOR_ID } from '../../gateway/approvals/index.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult, tool, type Upstream } from '../support/upstream.ts';

export const ALICE = { id: 'alice', key: 'key-of-alice-0123456789' };
export const BOB = { id: 'bob', key: 'key-of-bob-0123456789' };
export const ASK = { id: 'ask-first', effect: 'ask', tools: ['up/*'], reason: 'Writing needs a word.' };

export interface World {
  readonly upstream: Upstream;
  readonly dataDir: string;
  /** The configuration as a file, for commands beside the gateway; it names no port. */
  readonly configPath: string;
  gateway(): TestGateway;
  url(): string;
  /** The arguments of each call that was executed. */
  executed(): unknown[];
  pending(): ApprovalRequest[];
  find(id: string): ApprovalRequest | undefined;
  /** Decides at the desk, as the operator on this machine who stands for the caller. */
  decide(id: string, verdict: ApprovalVerdict): Promise<void>;
  rules(rules: readonly object[]): void;
  /** Takes on other members of the configuration, for good. */
  reload(changes: object): void;
  restart(): Promise<void>;
}

export interface WorldOptions {
  readonly rules?: readonly object[];
  readonly wait?: string;
  readonly more?: object;
}

export async function openWorld({ rules = [ASK], wait = '20s', more = {} }: WorldOptions = {}): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-approvals-'));
  const dataDir = join(dir, 'data');
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const executions: unknown[] = [];
  const upstream = await startUpstream({
    tools: [tool('write'), tool('other')],
    onCall(call) {
      executions.push(call.args);
      if (call.progressToken !== undefined) for (const progress of [1, 2]) call.progress({ progress });
      call.answer(textResult('written'));
    },
  });
  let inForce: object = { servers: { up: upstream.server }, callers: [ALICE, BOB], rules, approvals: { wait }, ...more };
  const config = (port = 0): object => ({ ...inForce, listen: { port } });
  const configPath = join(dir, 'signalbox.json');
  writeFileSync(configPath, JSON.stringify(config()));

  let end: (() => Promise<void>) | undefined;
  const start = (port?: number): Promise<TestGateway> => startGateway(config(port), { dataDir, atEnd: (ends) => (end = ends) });
  let gateway = await start();
  onTestFinished(() => end?.());

  const reload = (changes: object): void => {
    inForce = { ...inForce, ...changes };
    gateway.reload(config());
  };

  return {
    upstream,
    dataDir,
    configPath,
    gateway: () => gateway,
    url: () => gateway.url,
    executed: () => executions,
    pending: () => gateway.hall.desk.approvals.list({ state: 'pending', limit: 100 }, Date.now()),
    find: (id) => gateway.hall.desk.approvals.find(id, Date.now()),
    async decide(id, verdict) {
      const operator = { id: OPERATOR_ID, tenant: 'default', roles: [], proof: 'cli' as const };
      const decided = await gateway.hall.desk.decide(id, verdict, { principal: operator, isSelf: true, isOperator: true });
      if (decided.type !== 'decided') throw new Error(decided.message);
    },
    rules: (next) => reload({ rules: next }),
    reload,
    async restart() {
      const { port } = new URL(gateway.url);
      await end?.();
      gateway = await start(Number(port));
    },
  };
}

/** What a client declares that can show a form. */
export const CAN_ASK = { elicitation: { form: {} } };

/** `_meta` of a 2026 request of such a client. */
export const ASKABLE = { meta: { 'io.modelcontextprotocol/clientCapabilities': CAN_ASK } };

export const accept = (content: object): object => ({ action: 'accept', content });
export const APPROVED = accept({ decision: 'approve' });

export const expired = (world: World, id: string): Promise<unknown> => until('the request has expired', () => world.find(id)?.state === 'expired');
