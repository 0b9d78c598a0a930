/** The page of errors mirrors the table that the program answers from. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS } from '../../core/errors.ts';

test('the page of errors says of each code what the table says, in its order [GROUND-3]', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows).toEqual(Object.entries(ERRORS).map(([code, { rpc, http, retryable, hint }]) => `| \`${code}\` | ${rpc} | ${http} | ${retryable ? 'yes' : 'no'} | ${hint} |`));
});

test('no code of our own lies where JSON-RPC and MCP reserve codes [GROUND-3]', () => {
  const theirs = new Set([-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022]);
  for (const [code, { rpc }] of Object.entries(ERRORS)) expect([code, theirs.has(rpc) || rpc < -32768 || rpc > -32000]).toEqual([code, true]);
});
