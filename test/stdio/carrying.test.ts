import { describe, expect, it } from 'vitest';
import { modern, newPlace, record, slow, startBridge, until, type Message } from './support.ts';

const isProgress = (message: Message | Message[]): message is Message => !Array.isArray(message) && message.method === 'notifications/progress';
const LIST_CHANGED = 'notifications/tools/list_changed';

describe('what a bridge carries', () => {
  it('keeps the type of an id, passes what the gateway refuses, and answers what is no message', async () => {
    const bridge = startBridge(newPlace());
    bridge.write('{nope\n\n  \r\n');
    expect((await bridge.answerTo(null)).error?.code).toBe(-32700);
    await bridge.open();
    const [asNumber, asText] = await Promise.all([bridge.ask(7, 'ping'), bridge.ask('7', 'ping')]);
    expect([asNumber.id, asText.id]).toEqual([7, '7']);
    // The gateway could not read these far enough for an id; the client still learns what they were.
    bridge.write('{"jsonrpc":"2.0","id":8,"method":"ping","method":"ping"}\n');
    expect((await bridge.answerTo(8)).error?.code).toBe(-32600);
    bridge.write('{"jsonrpc":"1.0","id":9,"method":"ping"}\n');
    expect((await bridge.answerTo(9)).error?.code).toBe(-32600);
    bridge.write(`{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"up__record","arguments":${'['.repeat(100_000)}${']'.repeat(100_000)}}}\n`);
    expect((await bridge.answerTo(10)).error?.code).toBe(-32600);
    expect((await bridge.ask(11, 'no/such')).error?.code).toBe(-32601);
    expect((await bridge.ask(12, 'no/such', modern())).error?.code).toBe(-32601);
    const future = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01', 'io.modelcontextprotocol/clientCapabilities': {} } };
    expect((await bridge.ask(13, 'tools/list', future)).error).toMatchObject({ code: -32022, data: { supported: expect.arrayContaining(['2026-07-28']) as unknown } });
  });

  it('answers a line that is too long by its id, and reads on behind it', async () => {
    const bridge = startBridge(newPlace('listen: { maxBodyBytes: 5000 }\n'));
    bridge.send({ id: 'long', method: 'tools/call', params: record('x'.repeat(6000)) });
    bridge.write(`{"method":"tools/call","params":{"name":"${'y'.repeat(6000)}"},"jsonrpc":"2.0","id":3}\n`);
    expect((await bridge.answerTo('long')).error).toMatchObject({ code: 1413, message: expect.stringContaining('5000 bytes') as unknown });
    expect((await bridge.answerTo(3)).error?.code).toBe(1413);
    expect((await bridge.ask(4, 'ping')).result).toEqual({});
  });

  it('hands over a batch of 2025-03-26 as one, and its answers in one line', async () => {
    const bridge = startBridge(newPlace());
    await bridge.open('2025-03-26');
    bridge.write(`${JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'ping' }, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: record('batch') }])}\n`);
    await until(() => bridge.received.some(Array.isArray), 'the array of answers');
    const answers = bridge.received.find(Array.isArray) as Message[];
    expect(answers.map(({ id }) => id).toSorted()).toEqual([1, 2]);
  });

  it('lets a quick request overtake a slow one, and passes progress on as it comes', async () => {
    const bridge = startBridge(newPlace());
    await bridge.open();
    bridge.send({ id: 1, method: 'tools/call', params: { ...slow(2, 150), _meta: { progressToken: 'p' } } });
    bridge.send({ id: 2, method: 'tools/call', params: modern({ ...slow(2, 150), _meta: { progressToken: 17 } }) });
    await bridge.ask(3, 'ping');
    expect(bridge.received.some((message) => !Array.isArray(message) && message.id === 1)).toBe(false);
    await Promise.all([bridge.answerTo(1), bridge.answerTo(2)]);
    const progress = bridge.received.filter(isProgress).map(({ params }) => [params?.['progressToken'], params?.['progress']]);
    expect(progress).toEqual(expect.arrayContaining([['p', 1], ['p', 2], [17, 1], [17, 2]]));
  });

  it('says every step of progress before the answer, the last one too', async () => {
    const bridge = startBridge(newPlace());
    await bridge.open();
    for (const id of [1, 2, 3, 4, 5]) {
      const progressToken = `p${id}`;
      const params = { ...slow(3, 20), _meta: { progressToken } };
      bridge.send({ id, method: 'tools/call', params: id % 2 === 0 ? modern(params) : params });
      await bridge.answerTo(id);
      const messages = bridge.received.filter((message): message is Message => !Array.isArray(message));
      const answeredAt = messages.findIndex((message) => message.id === id);
      const before = messages.slice(0, answeredAt).filter((message) => isProgress(message) && message.params?.['progressToken'] === progressToken);
      expect(before.map(({ params: sent }) => sent?.['progress'])).toEqual([1, 2, 3]);
    }
  });

  it.each(['2025', '2026'])('carries a cancellation of %s, and says nothing more of that request', async (era) => {
    const place = newPlace();
    const bridge = startBridge(place);
    const params = (of: object): object => (era === '2026' ? modern(of) : of);
    if (era === '2025') await bridge.open();
    else await bridge.ask('first', 'server/discover', modern());
    // At once, so that the cancellation has a chance to overtake its request.
    bridge.send({ id: 1, method: 'tools/call', params: params(slow(1000, 50)) });
    bridge.send({ method: 'notifications/cancelled', params: { requestId: 1, reason: 'enough' } });
    bridge.send({ id: 2, method: 'tools/call', params: params({ ...slow(1000, 50), _meta: { progressToken: 'seen' } }) });
    await until(() => bridge.received.some(isProgress), 'the second call runs');
    bridge.send({ method: 'notifications/cancelled', params: { requestId: 2 } });
    await until(() => place.executed().includes('cancelled'), 'the server has heard of it');
    const count = (wanted: string): number => place.records().filter(({ kind }) => kind === wanted).length;
    await until(() => count('intent') === count('outcome'), 'nothing runs on');
    await bridge.ask(3, 'tools/call', params(record('next')));
    expect(bridge.received.some((message) => !Array.isArray(message) && (message.id === 1 || message.id === 2))).toBe(false);
  });

  it('refuses an id that is still under way, and a flood beyond its bound', async () => {
    const bridge = startBridge(newPlace());
    await bridge.ask('first', 'server/discover', modern());
    bridge.send({ id: 1, method: 'tools/call', params: modern(slow(200, 50)) });
    expect((await bridge.ask(1, 'tools/call', modern(slow(1, 1)))).error?.code).toBe(-32600);
    bridge.write(Array.from({ length: 1000 }, (_, n) => `${JSON.stringify({ jsonrpc: '2.0', id: `f${n}`, method: 'tools/list', params: modern() })}\n`).join(''));
    expect((await bridge.answerTo('f999')).error?.code).toBe(1004);
    expect((await bridge.answerTo('f0')).result?.tools?.length).toBeGreaterThan(0);
  });

  it('waits for a client that does not read, and loses nothing', async () => {
    const bridge = startBridge(newPlace());
    await bridge.open();
    bridge.process.stdout.pause();
    const ids = Array.from({ length: 20 }, (_, n) => n);
    for (const id of ids) bridge.send({ id, method: 'tools/call', params: { name: 'up__big', arguments: { bytes: 300_000 } } });
    bridge.send({ id: 'last', method: 'ping' });
    await until(() => bridge.process.stdout.readableLength > 0, 'something waits to be read');
    bridge.process.stdout.resume();
    const answers = await Promise.all(ids.map((id) => bridge.answerTo(id)));
    expect(answers.every(({ result }) => result?.content?.[0]?.text.length === 300_000)).toBe(true);
    await bridge.answerTo('last');
  });
});

describe('when the gateway is killed', () => {
  it.each(['2025', '2026'])('a call of %s that was under way is answered as one that may have been executed, and not repeated', async (era) => {
    const place = newPlace();
    const bridge = startBridge(place);
    const params = (of: object): object => (era === '2026' ? modern(of) : of);
    if (era === '2025') await bridge.open();
    bridge.send({ id: 1, method: 'tools/call', params: params({ ...slow(1000, 20), _meta: { progressToken: 1 } }) });
    await until(() => bridge.received.some(isProgress), 'it runs');
    const before = place.gatewayPid() as number;
    process.kill(before, 'SIGKILL');
    const { error } = await bridge.answerTo(1);
    expect(error).toMatchObject({ code: 1008, data: { executed: 'maybe' } });
    expect(error?.message).toContain('may have been executed');
    await bridge.ask(2, 'tools/call', params(record('next')));
    const records = place.records();
    expect(records.filter(({ kind }) => kind === 'intent')).toHaveLength(2);
    expect(records.filter(({ kind }) => kind === 'unknown')).toHaveLength(1);
    expect(place.gatewayPid()).not.toBe(before);
  });

  it('a subscription stands as before: no second acknowledgement, and a change in between is not missed', async () => {
    const place = newPlace();
    const bridge = startBridge(place);
    bridge.send({ id: 'sub', method: 'subscriptions/listen', params: modern({ notifications: { toolsListChanged: true } }) });
    const heard = (method: string): Message[] =>
      bridge.received.filter((message): message is Message => !Array.isArray(message) && message.method === method && message.params?._meta?.['io.modelcontextprotocol/subscriptionId'] === 'sub');
    await until(() => heard('notifications/subscriptions/acknowledged').length === 1, 'the acknowledgement');
    await bridge.ask(1, 'tools/list', modern());
    const before = heard(LIST_CHANGED).length;
    process.kill(place.gatewayPid() as number, 'SIGKILL');
    await until(() => heard(LIST_CHANGED).length > before, 'word of what may have changed');
    await bridge.ask(2, 'tools/list', modern());
    const after = heard(LIST_CHANGED).length;
    await bridge.ask(3, 'tools/call', modern({ name: 'up__toggle', arguments: {} }));
    await until(() => heard(LIST_CHANGED).length > after, 'word of a real change');
    expect(heard('notifications/subscriptions/acknowledged')).toHaveLength(1);
    expect(bridge.received.some((message) => !Array.isArray(message) && message.id === 'sub')).toBe(false);
    bridge.send({ method: 'notifications/cancelled', params: { requestId: 'sub' } });
    const last = heard(LIST_CHANGED).length;
    await bridge.ask(4, 'tools/call', modern({ name: 'up__toggle', arguments: {} }));
    for (let id = 5, isShown = true; isShown; id++) {
      const { result } = await bridge.ask(id, 'tools/list', modern());
      isShown = result?.tools?.some(({ name }) => name === 'up__extra') ?? true;
    }
    expect(heard(LIST_CHANGED)).toHaveLength(last);
  });

  it('a 2025 client hears of changes as before, by a stream that was opened again', async () => {
    const place = newPlace();
    const bridge = startBridge(place);
    await bridge.open();
    const heard = (): number => bridge.received.filter((message) => !Array.isArray(message) && message.method === LIST_CHANGED).length;
    await bridge.ask(1, 'tools/list');
    const before = heard();
    process.kill(place.gatewayPid() as number, 'SIGKILL');
    await until(() => heard() > before, 'word of what may have changed');
    await bridge.ask(2, 'tools/list');
    const after = heard();
    await bridge.ask(3, 'tools/call', { name: 'up__toggle', arguments: {} });
    await until(() => heard() > after, 'word of a real change');
    // The client opened one session and knows of no other.
    expect(bridge.received.filter((message) => !Array.isArray(message) && message.id === 'open')).toHaveLength(1);
  });
});

describe('when the client goes', () => {
  it('calls under way may end before the bridge does', async () => {
    const place = newPlace();
    const bridge = startBridge(place);
    await bridge.open();
    bridge.send({ id: 1, method: 'tools/call', params: slow(5, 50) });
    bridge.process.stdin.end();
    expect((await bridge.answerTo(1)).result?.content?.[0]?.text).toBe('done');
    expect(await bridge.ended).toBe(0);
  });

  it('SIGTERM ends it at once, with what is under way cancelled', async () => {
    const place = newPlace();
    const bridge = startBridge(place);
    await bridge.open();
    bridge.send({ id: 1, method: 'tools/call', params: { ...slow(1000, 20), _meta: { progressToken: 1 } } });
    await until(() => bridge.received.some(isProgress), 'it runs');
    const asked = performance.now();
    bridge.process.kill('SIGTERM');
    expect(await bridge.ended).toBe(0);
    expect(performance.now() - asked).toBeLessThan(2000);
    await until(() => place.executed().includes('cancelled'), 'the server has heard of it');
  });

  it('a broken stdout ends it', async () => {
    const bridge = startBridge(newPlace());
    await bridge.open();
    bridge.process.stdout.destroy();
    bridge.send({ id: 1, method: 'ping' });
    expect(await bridge.ended).toBe(0);
  });
});
