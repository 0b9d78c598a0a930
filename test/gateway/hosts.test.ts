/** Web pages and rebound names: refused on every route, before anything else is looked at. */
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';

const ROUTES = ['/mcp', '/mcp/any', '/healthz', '/readyz', '/metrics', '/admin/status', '/admin/keys', '/', '/nothing'];
const METHODS = ['GET', 'POST', 'OPTIONS', 'DELETE'];

test('a foreign Host or Origin is 403 on every route [HTTP-1]', async () => {
  const gateway = await startGateway({ listen: { allowedOrigins: ['https://ide.example.com'] } });
  const { port } = new URL(gateway.url);
  const foreign: Record<string, string>[] = [
    { host: 'evil.example' },
    { host: `evil.example:${port}` },
    { host: `127.0.0.1.evil.example:${port}` },
    { host: 'localhost.evil.example' },
    { host: `127.0.0.1:${port}@evil.example` },
    { host: '10.0.0.1' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://ide.example.com' },
    { origin: 'https://ide.example.com.evil.example' },
    { origin: `http://localhost:${Number(port) + 1}` },
    { origin: 'file://' },
  ];
  for (const headers of foreign) {
    for (const path of ROUTES) {
      for (const method of METHODS) {
        const reply = await send(`${gateway.url}${path}`, { method, headers: { authorization: `Bearer ${gateway.operatorToken}`, 'content-type': 'application/json', ...headers } });
        expect([JSON.stringify(headers), path, method, reply.status]).toEqual([JSON.stringify(headers), path, method, 403]);
        expect(reply.headers['access-control-allow-origin']).toBeUndefined();
      }
    }
  }
});

test('its own names and origin, in any case, are let in, also right after a foreign one was refused [HTTP-1]', async () => {
  const gateway = await startGateway({ listen: { allowedHosts: ['tools.example.com'] } });
  const { port } = new URL(gateway.url);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`, 'tools.example.com', 'Tools.Example.Com:443']) {
    expect((await send(`${gateway.url}/healthz`, { method: 'GET', headers: { host: 'evil.example' } })).status).toBe(403);
    for (const headers of [{ host }, { host, origin: `http://${host.toLowerCase()}` }]) {
      expect([host, (await send(`${gateway.url}/healthz`, { method: 'GET', headers })).status]).toEqual([host, 200]);
    }
  }
});

test('a page of an allowed origin may ask first, and then use the endpoint; it still needs a key [HTTP-1]', async () => {
  const key = 'alices-long-key-of-the-test';
  const origin = 'https://ide.example.com';
  const gateway = await startGateway({ listen: { allowedOrigins: [origin] }, callers: [{ id: 'alice', key }] });
  const preflight = await send(`${gateway.url}/mcp`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization, mcp-name, mcp-param-region, x-signalbox-as' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: expect.stringMatching(/origin/i) });
  const allowed = String(preflight.headers['access-control-allow-headers']).split(/, */);
  expect(allowed).toEqual(expect.arrayContaining(['authorization', 'content-type', 'mcp-protocol-version', 'mcp-session-id', 'mcp-method', 'mcp-name', 'mcp-param-region']));
  expect(allowed).not.toContain('x-signalbox-as');
  const listed = await gateway.client({ key, headers: { origin } }).modern('tools/list');
  expect([listed.status, listed.headers['access-control-allow-origin']]).toEqual([200, origin]);
  expect(String(listed.headers['access-control-expose-headers'])).toContain('mcp-session-id');
  const refused = await gateway.client({ headers: { origin } }).modern('tools/list');
  expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, origin]);
});
