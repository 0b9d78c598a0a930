/**
 * A bare MCP server over `node:http` for both eras: the quickest upstream that is still valid. Prints its URL; goes when
 * its stdin closes. `--tools N` holds N tools, `--list FILE` the JSON array of tools in a file.
 */
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import type { JsonObject } from '../core/json.ts';
import { createAnswers } from './fixtures/answers.ts';
import { createTools } from './fixtures/tools.ts';

const { values } = parseArgs({ options: { tools: { type: 'string', default: '1' }, list: { type: 'string' } } });
const tools =
  values.list === undefined
    ? createTools(Number(values.tools))
    : (JSON.parse(readFileSync(values.list, 'utf8')) as JsonObject[]);
const answer = createAnswers(tools);

const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    // No GET stream (405 is what MCP 2025 asks for then); DELETE ends a session that holds nothing.
    response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { status, body, opensSession } = answer(Buffer.concat(chunks).toString('utf8'));
    if (body === undefined) {
      response.writeHead(status).end();
      return;
    }
    const bytes = Buffer.from(body);
    const headers: OutgoingHttpHeaders = { 'content-type': 'application/json', 'content-length': bytes.length };
    if (opensSession) headers['mcp-session-id'] = randomUUID();
    response.writeHead(status, headers).end(bytes);
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
