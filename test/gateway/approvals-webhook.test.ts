/** The webhook, as a receiver sees it: what is signed, what is told, and what is done when it fails. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { ApprovalRequest } from '../../core/approval.ts';
import { silentLog } from '../../core/log.ts';
import { createWebhook } from '../../gateway/approvals/webhook.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/poll.ts';
import { startUpstream } from '../support/upstream.ts';
import { call, CALLERS, waiting } from './approvals-support.ts';

interface Hit {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receiver(answer: (res: ServerResponse, hits: number, path: string) => void = (res) => void res.writeHead(204).end()): Promise<{ url: string; hits: Hit[] }> {
  const hits: Hit[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.once('end', () => {
      hits.push({ path: req.url ?? '', headers: req.headers, body });
      answer(res, hits.length, req.url ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, hits };
}

const SECRET = 'a secret of the receiver';

async function world(url: string, env: Record<string, string> = { HOOK_SECRET: SECRET }) {
  const up = await startUpstream();
  return startGateway({ servers: { up: up.server }, callers: CALLERS, rules: [{ id: 'ask', effect: 'ask', reason: 'Look at it.' }], approvals: { webhook: { url, secret: '${env:HOOK_SECRET}' } } }, { env });
}

test('a new request is announced once, signed over time and body, with redacted arguments and no session [APPROVAL-8]', async () => {
  const hook = await receiver();
  const gateway = await world(hook.url);
  const id = await waiting(call(gateway, { to: 'x', password: 'hunter2hunter2' }, { session: 'a-session' }));
  await waiting(call(gateway, { to: 'x', password: 'hunter2hunter2' }, { session: 'a-session' }));
  const { headers, body } = await until('the announcement', () => hook.hits[0]);
  const expected = createHmac('sha256', SECRET).update(`${String(headers['x-signalbox-timestamp'])}.${body}`).digest('hex');
  expect(headers['x-signalbox-signature']).toBe(`sha256=${expected}`);
  expect(Math.abs(Number(headers['x-signalbox-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
  expect(JSON.parse(body)).toMatchObject({ type: 'approval.requested', approval: { id, caller: 'alice', tool: 'up/echo', rule: 'ask', reason: 'Look at it.', args: { to: 'x', password: '[redacted]' }, state: 'pending' } });
  expect(body).not.toContain('hunter2');
  expect(body).not.toContain('a-session');
  const second = await waiting(call(gateway, { n: 2 }));
  await until('the next one', () => hook.hits.find((hit) => hit.body.includes(second)));
  expect(hook.hits).toHaveLength(2);
});

test('a redirect is not followed, and a secret that is missing or a receiver that is down costs the call nothing [APPROVAL-8]', async () => {
  const hook = await receiver((res, _hits, path) => void (path === '/hook' ? res.writeHead(307, { location: '/elsewhere' }) : res.writeHead(200)).end());
  const gateway = await world(hook.url);
  await waiting(call(gateway, { n: 1 }));
  await until('it is logged', () => gateway.log().includes('did not take an announcement'));
  expect(hook.hits.map(({ path }) => path)).toEqual(['/hook']);
  const without = await world(hook.url, {});
  await waiting(call(without, { n: 1 }));
  await until('that is logged', () => /could not be reached.*/.test(without.log()));
  expect(without.log()).toContain('HOOK_SECRET is not set');
  const down = await world('http://127.0.0.1:1/token-in-the-path');
  await waiting(call(down, { n: 1 }));
  await until('that is logged too', () => down.log().includes('could not be reached'));
  expect(down.log()).not.toContain('token-in-the-path');
  expect(hook.hits).toHaveLength(1);
});

const request = (id: string): ApprovalRequest => ({
  id, caller: 'alice', tenant: 'default', face: 'mcp', tool: 'up/echo', fingerprint: 'f', args: {}, argsDigest: 'd', rule: 'ask', reason: 'r', policyHash: 'p',
  terms: { approvers: ['self'], expiresInMs: 1000, remember: 'once' }, createdAt: 0, expiresAt: 1000, state: 'pending',
});

const target = (url: string) => () => ({ url, secret: SECRET });

function webhook(delaysMs: readonly number[], isPending: (id: string) => boolean = () => true) {
  const made = createWebhook({ isPending, log: silentLog, delaysMs, timeoutMs: 500 });
  onTestFinished(() => made.close());
  return made;
}

test('one that fails is tried again a few times and no more; one that was decided meanwhile is not', async () => {
  const flaky = await receiver((res, hits) => void (hits === 1 ? res.writeHead(503).end() : hits === 2 ? res.destroy() : hits === 3 ? undefined : res.writeHead(200).end()));
  const announcer = webhook([1, 1, 1]);
  announcer.announce(request('flaky'), target(flaky.url));
  await until('the fourth try', () => flaky.hits.length === 4);
  const refusing = await receiver((res, _hits, path) => void res.writeHead(path === '/hook' ? 503 : 400).end());
  announcer.announce(request('refused'), target(refusing.url));
  await until('four tries', () => refusing.hits.length === 4);
  announcer.announce(request('bad'), target(refusing.url.replace('/hook', '/other')));
  await until('one try', () => refusing.hits.some(({ path }) => path === '/other'));
  const decided = webhook([1, 1, 1], () => refusing.hits.length < 6);
  decided.announce(request('decided'), target(refusing.url));
  await until('its only try', () => refusing.hits.length >= 6);
  announcer.announce(request('last'), target(flaky.url));
  await until('the last one', () => flaky.hits.length === 5);
  expect(refusing.hits.map(({ path }) => path)).toEqual(['/hook', '/hook', '/hook', '/hook', '/other', '/hook']);
});

test('an address that is neither http nor https is not dialled, whatever a reference holds', async () => {
  const hook = await receiver();
  const announcer = webhook([]);
  announcer.announce(request('file'), () => ({ url: 'file:///etc/passwd', secret: SECRET }));
  announcer.announce(request('http'), () => ({ url: hook.url, secret: SECRET }));
  await until('the good one', () => hook.hits.length === 1);
  expect(hook.hits[0]?.body).toContain('"id":"http"');
});
