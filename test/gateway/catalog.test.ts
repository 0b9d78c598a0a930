/** The list of tools: names, order, pages, profiles, and that nothing of a tool or a result is lost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createView, type View } from '../../gateway/catalog/view.ts';
import type { Catalog, CatalogEntry } from '../../gateway/catalog/catalog.ts';
import type { ProfileSettings } from '../../core/settings.ts';
import { startGateway } from '../support/gateway.ts';
import { textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startUpstream, tool } from '../support/upstream.ts';

const LEGAL = /^[A-Za-z0-9_-]{1,64}$/;

function view(tools: ReadonlyMap<string, readonly string[]>, profile?: ProfileSettings): View {
  const entries = [...tools].flatMap(([server, names]) => names.map((name) => ({ ref: `${server}/${name}`, server, tool: name, fingerprint: '', definition: { name }, paramHeaders: [] }) as unknown as CatalogEntry));
  const catalog: Catalog = { version: 1, held: [], noted: [], sources: new Map(), ttlMs: undefined, entries: entries.toSorted((a, b) => (a.ref < b.ref ? -1 : 1)) };
  return createView(catalog, profile, () => true);
}

const namesByRef = (shown: View): Map<string, string> => new Map([...shown.routes.values()].map(({ ref, publicName }) => [ref, publicName]));

const part = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,6}[A-Za-z0-9])?$/);
const serverId = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('_').slice(0, 32).replace(/[_-]+$/, ''));
const toolName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 100, unit: 'binary' }),
  fc.stringMatching(/^[a-z_]{1,6}(__[a-z]{1,3})?$/),
  fc.stringMatching(/^[A-Za-z0-9_-]{50,80}$/),
  fc.constantFrom('__proto__', 'constructor', 'a_h0123456789', '_', '__', 'é', 'é'),
);
const servers = fc.dictionary(serverId, fc.uniqueArray(toolName, { minLength: 1, maxLength: 8 }), { minKeys: 1, maxKeys: 5, noNullPrototype: true }).map((object) => new Map(Object.entries(object)));

test('every name is legal for every model provider, leads to one tool, and stays when servers are added [CAT-1]', () => {
  fc.assert(
    fc.property(servers, serverId, fc.uniqueArray(toolName, { minLength: 1, maxLength: 8 }), (before, id, added) => {
      const first = namesByRef(view(before));
      expect(first.size).toBe([...before.values()].flat().length);
      expect(new Set(first.values()).size).toBe(first.size);
      for (const name of first.values()) expect(name).toMatch(LEGAL);
      if (before.has(id)) return;
      const after = namesByRef(view(new Map([...before, [id, added]])));
      for (const [ref, name] of first) expect(after.get(ref)).toBe(name);
    }),
    { numRuns: 300 },
  );
});

test('in a profile with plain names and overrides, too, every name is legal and leads to one tool [CAT-1]', () => {
  fc.assert(
    fc.property(servers, fc.constantFrom('plain' as const, 'prefixed' as const), fc.array(fc.stringMatching(/^[a-z_]{1,8}$/), { maxLength: 4 }), (tools, names, wanted) => {
      const refs = [...tools].flatMap(([server, list]) => list.map((name) => `${server}/${name}`));
      const overrides = Object.fromEntries(wanted.map((name, index) => [refs[index % refs.length] as string, { name }]));
      const shown = namesByRef(view(tools, { id: 'p', include: ['*'], exclude: [], names, tools: overrides }));
      expect([...shown.keys()].toSorted()).toEqual(refs.toSorted());
      for (const name of shown.values()) expect(name).toMatch(LEGAL);
    }),
    { numRuns: 300 },
  );
});

test('a name is server__tool; a long or illegal one is shortened by a hash that never changes [CAT-1]', () => {
  const long = 'a-name-that-is-much-longer-than-any-model-provider-will-let-it-be-in-a-request';
  expect([...namesByRef(view(new Map([['files', ['read_file', long, 'read file']]]))).values()].toSorted()).toEqual([
    'files__a-name-that-is-much-longer-than-any-model-pro_h911cdbb618',
    'files__read_file',
    'files__read_file_hd6387ca21e',
  ]);
});

test('two tools of a server that sought one name for both (their short hashes are the same) are one tool [CAT-1]', () => {
  const pair = ['x一一丁丂七丄丈万', 'x一丁丆丄丈丂丁丈'];
  const shown = view(new Map([['up', [...pair, 'other']]]));
  expect(JSON.parse((shown.page(undefined)?.tools ?? Buffer.of()).toString())).toEqual([{ name: 'up__other' }, { name: 'up__x_________h6d48207588' }]);
  expect([...shown.routes.values()].map(({ tool: upstream }) => upstream).toSorted()).toEqual(['other', pair[0]]);
});

test('plain names where they are unique; two tools that want one get neither [CAT-2]', async () => {
  const [one, two] = await Promise.all([startUpstream({ tools: [tool('read'), tool('only')] }), startUpstream({ tools: [tool('read'), tool('one__only')] })]);
  const gateway = await startGateway({
    servers: { one: one.server, two: two.server },
    profiles: { plain: { names: 'plain' }, some: { include: ['one/*'], exclude: ['*/read'], tools: { 'one/only': { name: 'mine', title: 'Mine', description: 'My words.' } } } },
  });
  expect(await gateway.client().names()).toEqual(['one__only', 'one__read', 'two__one__only', 'two__read']);
  // "one__only" would be the other tool's prefixed name.
  expect(await gateway.client({ profile: 'plain' }).names()).toEqual(['one__read', 'only', 'two__one__only', 'two__read']);
  const some = gateway.client({ profile: 'some' });
  expect((await some.modern('tools/list')).message.result.tools).toEqual([{ name: 'mine', title: 'Mine', description: 'My words.', inputSchema: { type: 'object' } }]);
  expect(textIn(await some.call('mine', { a: 1 }))).toBe('{"a":1}');
  expect(one.calls()[0]?.params['name']).toBe('only');
  expect((await some.call('one__only')).error?.code).toBe(-32602);
  expect((await some.call('one__read')).error?.code).toBe(-32602);
});

test('a profile that is not there, or not open to the caller, is 404; one with a list of profiles has nothing else [CAT-2]', async () => {
  const up = await startUpstream();
  const key = 'alices-long-key-of-the-test';
  const gateway = await startGateway({ servers: { up: up.server }, profiles: { open: {}, other: {} }, callers: [{ id: 'alice', key, profiles: ['open'] }] });
  expect(await gateway.client({ key, profile: 'open' }).names()).toEqual(['up__echo']);
  const replies = await Promise.all(['other', 'absent', '__proto__', undefined].map((profile) => gateway.client(profile === undefined ? { key } : { key, profile }).modern('tools/list')));
  for (const reply of replies) expect([reply.status, reply.message.error?.code]).toEqual([404, 1404]);
  expect(replies[0]?.text.replaceAll('other', 'absent')).toBe(replies[1]?.text);
});

const MANY = Array.from({ length: 2500 }, (_, index) => tool(`t${String((index * 7919) % 2500).padStart(4, '0')}`));

test('2,500 tools come in pages, in one order, each once, and again the same [CAT-3]', async () => {
  const up = await startUpstream({ tools: MANY });
  const client = (await startGateway({ servers: { up: up.server } })).client();
  const session = await client.session();
  const walk = async (list: (params: object) => Promise<{ tools: { name: string }[]; nextCursor?: string }>): Promise<string[][]> => {
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await list(cursor === undefined ? {} : { cursor });
      pages.push(page.tools.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return pages;
  };
  const modern = await walk(async (params) => (await client.modern('tools/list', params)).message.result);
  const legacy = await walk(async (params) => (await session.request('tools/list', params)).message.result);
  expect(modern.map((page) => page.length)).toEqual([1000, 1000, 500]);
  expect(legacy).toEqual(modern);
  const all = modern.flat();
  expect(all).toEqual(Array.from({ length: 2500 }, (_, index) => `up__t${String(index).padStart(4, '0')}`));
});

test('a cursor that this gateway did not make is -32602 [CAT-3]', async () => {
  const up = await startUpstream();
  const client = (await startGateway({ servers: { up: up.server } })).client();
  for (const cursor of ['nonsense', '', '1000', Buffer.from('after:').toString('base64url'), `${Buffer.from('after:up__a').toString('base64url')}=`, '__proto__']) {
    expect([cursor, (await client.modern('tools/list', { cursor })).message.error?.code]).toEqual([cursor, -32602]);
  }
});

test('the order of tools does not depend on which server was ready first, or on the order that it lists them in [CAT-3]', async () => {
  const lists = await Promise.all(
    [['b', 'a'], ['a', 'b']].map(async ([first, second]) => {
      const [z, y] = await Promise.all([startUpstream({ tools: [tool(first as string), tool(second as string)] }), startUpstream({ tools: [tool('x')] })]);
      const gateway = await startGateway({ servers: first === 'a' ? { z: z.server, y: y.server } : { y: y.server, z: z.server } });
      return (await gateway.client().modern('tools/list')).text;
    }),
  );
  expect(lists[0]).toBe(lists[1]);
});

const RICH = '{"name":"rich","title":"T","description":"D","inputSchema":{"type":"object","x-vendor":{"max":9007199254740993,"tiny":1e400}},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"x-hint":[1]},"icons":[{"src":"data:,"}],"execution":{"taskSupport":"optional"},"_meta":{"ui":{"resourceUri":"ui://x"},"__proto__":{"kept":true}},"futureField":{"a":[null,1,"ü"]}}';

for (const era of ['legacy', 'modern'] as const) {
  test(`unknown fields of tools, arguments and results pass unharmed to and from a ${era} upstream, 64-bit integers included [CAT-4]`, async () => {
    const result =
      '{"content":[{"type":"future","n":12345678901234567890},{"type":"text","text":"é\\u0000"}],"structuredContent":{"id":9223372036854775807,"__proto__":{"a":1},"exp":1e400,"neg":-0.10},"isError":false,"newField":[{}]}';
    const up = await startUpstream({ era, listText: `[${RICH}]`, onCall: ({ answer }) => answer(result) });
    const gateway = await startGateway({ servers: { up: up.server } });
    const client = gateway.client();
    const session = await client.session();
    const inner = result.slice(1, -1);
    for (const list of [await client.modern('tools/list'), await session.request('tools/list')]) {
      expect(list.text).toContain(RICH.slice(1, -1).replace('"name":"rich"', '"name":"up__rich"'));
    }
    const args = '{"id":9007199254740993,"__proto__":{"polluted":true},"constructor":{"prototype":{}},"big":1e999,"z":1,"a":2,"u":"\\ud83d\\ude00"}';
    const legacy = await client.raw(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__rich","arguments":${args}}}`);
    expect(legacy.text).toContain(inner);
    expect((await client.modern('tools/call', { name: 'up__rich', arguments: {} })).text).toContain(inner);
    expect(up.calls()[0]?.body).toContain(`"arguments":${args.replace('\\ud83d\\ude00', '😀')}`);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
}

test('a tool may be called __proto__ [CAT-4]', async () => {
  const up = await startUpstream({ tools: [tool('__proto__'), tool('constructor')] });
  const gateway = await startGateway({ servers: { up: up.server }, profiles: { plain: { names: 'plain' } } });
  expect(await gateway.client().names()).toEqual(['up____proto__', 'up__constructor']);
  const plain = gateway.client({ profile: 'plain' });
  expect(await plain.names()).toEqual(['__proto__', 'constructor']);
  expect(textIn(await plain.call('__proto__', { a: 1 }))).toBe('{"a":1}');
  expect(up.calls()[0]?.params['name']).toBe('__proto__');
  for (const name of ['toString', 'hasOwnProperty', '__defineGetter__']) expect((await plain.call(name)).error?.message).toBe(`Unknown tool: ${name}`);
});

test('a name that a caller may not see is answered exactly as one that does not exist [CAT-5]', async () => {
  const up = await startUpstream({ tools: [tool('open'), tool('hidden', { inputSchema: { type: 'object', properties: { r: { type: 'string', 'x-mcp-header': 'R' } } } })] });
  const keys = { alice: 'alices-long-key-of-the-test', bob: 'bobs-long-key-of-the-test' };
  const gateway = await startGateway({
    servers: { up: up.server },
    callers: [{ id: 'alice', key: keys.alice, roles: ['insider'] }, { id: 'bob', key: keys.bob }],
    rules: [{ id: 'open', effect: 'allow', tools: ['up/open'] }, { id: 'insiders', effect: 'allow', roles: ['insider'] }],
  });
  const bob = gateway.client({ key: keys.bob });
  expect(await gateway.client({ key: keys.alice }).names()).toEqual(['up__hidden', 'up__open']);
  expect(await bob.names()).toEqual(['up__open']);
  const session = await bob.session();
  const ask = async (name: string): Promise<unknown[]> => {
    const params = { name, arguments: { r: 'x' } };
    const replies = [await bob.modern('tools/call', params, { id: 1 }), await session.request('tools/call', params, { id: 1 })];
    return replies.map(({ status, headers, text }) => [status, Object.keys(headers), text.replaceAll(name, 'NAME')]);
  };
  expect(await ask('up__hidden')).toEqual(await ask('up__absent'));
  expect(up.calls()).toEqual([]);
  const refusals = await until('both records', () => {
    const found = gateway.records().filter(({ kind }) => kind === 'refused');
    return found.length === 4 && found;
  });
  expect(refusals.map((record) => [record['code'], record['caller'], record['tool']])).toEqual(Array.from({ length: 4 }, () => ['unknown_tool', 'bob', undefined]));
});
