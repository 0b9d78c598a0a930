/**
 * The ways in to a call that a person decides, by clients that are not ours where there are any; and the person, who is
 * asked at the client where that can be, and elsewhere where it cannot.
 */
import { spawn } from 'node:child_process';
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, type ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { onTestFinished } from 'vitest';
import { until } from '../support/poll.ts';
import { ALICE, type World } from './world.ts';

export type Answer =
  | { readonly type: 'approve'; readonly args?: object }
  | { readonly type: 'deny'; readonly note?: string }
  /** Neither; the request stays. */
  | { readonly type: 'leave' };

export interface Asked {
  readonly id: string;
  /** All that the person is shown; of one who decides elsewhere, the request. */
  readonly shown: string;
}

export type Person = (asked: Asked) => Promise<Answer> | Answer;

/** What the caller hears in the end. */
export interface Said {
  readonly ok: boolean;
  readonly text: string;
}

export interface Face {
  readonly name: string;
  call(world: World, args: object, person: Person): Promise<Said>;
}

const requestInit = { headers: { authorization: `Bearer ${ALICE.key}` } };

const formAnswer = (answer: Answer): ElicitResult => {
  switch (answer.type) {
    case 'approve':
      return { action: 'accept', content: { decision: 'approve', ...(answer.args === undefined ? {} : { arguments: JSON.stringify(answer.args) }) } };
    case 'deny':
      return answer.note === undefined ? { action: 'decline' } : { action: 'accept', content: { decision: 'deny', note: answer.note } };
    case 'leave':
      return { action: 'cancel' };
  }
};

const idIn = (shown: string): string => /\bap_[\da-f]+\b/.exec(shown)?.[0] ?? '';
const asked = (shown: string): Asked => ({ id: idIn(shown), shown });

interface ToolResult {
  readonly content: readonly { readonly text?: string }[];
  readonly isError?: boolean;
}

async function heard(result: Promise<unknown>): Promise<Said> {
  try {
    const { content, isError = false } = (await result) as ToolResult;
    return { ok: !isError, text: content.map(({ text }) => text).join('\n') };
  } catch (error) {
    return { ok: false, text: String(error) };
  }
}

const modern: Face = {
  name: 'MCP 2026 (SDK 2)',
  async call(world, args, person) {
    const client = new Client2({ name: 'foreign', version: '1' }, { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } });
    client.setRequestHandler('elicitation/create', async ({ params }) => formAnswer(await person(asked(params.message))));
    await client.connect(new Http2(new URL(`${world.url()}/mcp`), { requestInit }));
    return heard(client.callTool({ name: 'up__write', arguments: { ...args } })).finally(() => client.close());
  },
};

const connect1 = async (world: World, client: Client1): Promise<void> => {
  await client.connect(new Http1(new URL(`${world.url()}/mcp`), { requestInit }) as Parameters<Client1['connect']>[0]);
};

const elicits: Face = {
  name: 'MCP 2025 with elicitation (SDK 1)',
  async call(world, args, person) {
    const client = new Client1({ name: 'foreign', version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => formAnswer(await person(asked(params.message))));
    await connect1(world, client);
    return heard(client.callTool({ name: 'up__write', arguments: { ...args } })).finally(() => client.close());
  },
};

/** Asked nowhere, decided by the operator. */
const waits: Face = {
  name: 'MCP 2025 without elicitation (SDK 1)',
  async call(world, args, person) {
    const client = new Client1({ name: 'foreign', version: '1' });
    await connect1(world, client);
    const said = heard(client.callTool({ name: 'up__write', arguments: { ...args } })).finally(() => client.close());
    let isOver = false;
    void said.then(() => (isOver = true));
    const request = await until('a request for approval', () => world.pending()[0] ?? (isOver ? 'none' : undefined));
    if (request === 'none') return said;
    const answer = await person({ id: request.id, shown: JSON.stringify(request) });
    // The person elsewhere is told no more than that it is too late, which is the desk's to test.
    if (answer.type !== 'leave') await world.decide(request.id, answer as Parameters<World['decide']>[1]).catch(() => {});
    return said;
  },
};

const SIGNALBOX = new URL('../../bin/signalbox', import.meta.url).pathname;
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

export interface Terminal {
  /** All that stood on the screen so far. */
  out(): string;
  type(keys: string): void;
  /** The exit code, once there is one. */
  code(): number | null | undefined;
}

/** `signalbox call` on a terminal of its own, which `script` makes; what the person types goes in as keys. */
export function callOnTerminal(world: World, args: object): Terminal {
  const command = [process.execPath, SIGNALBOX, 'call', 'up__write', JSON.stringify(args), '--as', ALICE.id, '-c', world.configPath, '--data', world.dataDir];
  const child = spawn('script', ['-qec', command.map(quoted).join(' '), '/dev/null'], { env: { PATH: process.env['PATH'], TERM: 'dumb', SHELL: '/bin/sh' } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let code: number | null | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stdin.on('error', () => {});
  child.once('close', (ended) => (code = ended));
  return { out: () => out, type: (keys) => void child.stdin.write(keys), code: () => code };
}

const cli: Face = {
  name: 'signalbox call on a terminal',
  async call(world, args, person) {
    const { out, type, code } = callOnTerminal(world, args);
    const prompt = await until('a prompt, or the end', () => (out().includes(PROMPT) ? out() : undefined) ?? (code() === undefined ? undefined : ''));
    if (prompt !== '') await answerAt(type, out, await person(asked(prompt)));
    await until('the end of the command', () => code() !== undefined);
    return { ok: code() === 0, text: out() };
  },
};

export const PROMPT = 'later: ';
const CLEAR_LINE = '\u0015';

async function answerAt(type: (keys: string) => void, out: () => string, answer: Answer): Promise<void> {
  switch (answer.type) {
    case 'leave':
      return type('l\r');
    case 'deny':
      type('n\r');
      await until('the question why', () => out().includes('Why not'));
      return type(`${answer.note ?? ''}\r`);
    case 'approve':
      if (answer.args === undefined) return type('y\r');
      type('e\r');
      await until('the arguments to edit', () => /Arguments: .*\{.*Arguments: .*\{/s.test(out()));
      return type(`${CLEAR_LINE}${JSON.stringify(answer.args)}\r`);
  }
}

export const FACES: readonly Face[] = [elicits, waits, modern, cli];
