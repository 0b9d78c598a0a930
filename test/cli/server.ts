/** A hand-written 2025 server over stdio for the commands' tests: quick to start, a tool for each thing that they print. */
import { createInterface } from 'node:readline';

const send = (message: object): void => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const text = (words: string) => ({ content: [{ type: 'text', text: words }] });
const inputSchema = { type: 'object' };
const TOOLS = [
  { name: 'echo', description: 'Says it back.\nAnd no more.', inputSchema },
  { name: 'evil', description: '\u001b[2Jcleared\u202e', inputSchema },
  { name: 'fail', inputSchema },
  { name: 'picture', inputSchema },
  { name: 'steps', inputSchema },
  { name: 'by_region', inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } } },
  { name: 'stuck', inputSchema },
];

interface Call {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
  readonly _meta?: { readonly progressToken?: unknown };
}

function answer({ name, arguments: args, _meta }: Call, line: string): object | undefined {
  switch (name) {
    case 'fail':
      return { ...text('it did not work \u001b[31m'), isError: true };
    case 'evil':
      return text('\u001b]0;title\u0007');
    case 'picture':
      return { content: [{ type: 'image', mimeType: 'image/png', data: 'AAAA' }, { type: 'text', text: 'a picture' }] };
    case 'steps':
      send({ method: 'notifications/progress', params: { progressToken: _meta?.progressToken, progress: 1, total: 2, message: 'half' } });
      return text('done');
    case 'stuck':
      return undefined;
    case 'echo':
      return text(/"arguments":(\{[^{}]*\})/.exec(line)?.[1] ?? 'no arguments');
    default:
      return text(JSON.stringify(args));
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line) as { id?: number; method: string; params: unknown };
  if (id === undefined) return;
  if (method === 'initialize') {
    return send({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'fixture', version: '1' } } });
  }
  if (method === 'tools/list') return send({ id, result: { tools: TOOLS } });
  if (method !== 'tools/call') return send({ id, error: { code: -32601, message: 'no such method' } });
  const result = answer(params as Call, line);
  if (result !== undefined) send({ id, result });
});
