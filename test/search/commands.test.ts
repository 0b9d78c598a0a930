/** `signalbox audit search`, `show` and `export` as people and programs use them: the real program on a ledger, no gateway beside. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { makeLedger } from '../../bench/fixtures/records.ts';
import { collectorHeaders, collectorUrl, createCollector } from '../../gateway/audit/collector.ts';
import { csvLine } from '../../gateway/audit/csv.ts';
import { createLedgerReader, LEDGER_FILE } from '../../store/index.ts';
import { newPlace, until, type Place } from '../cli/support.ts';
import { append } from './support.ts';

const TRACE = 'a'.repeat(32);
const CALL = {
  kind: 'intent', time: Date.UTC(2026, 10, 22, 10), call: 'c1', caller: 'alice', tenant: 'acme', proof: 'key', proofId: 'ab12', face: 'mcp', protocol: '2025-11-25', session: 's1', request: '7', trace: TRACE,
  profile: 'coding', name: 'files__read', tool: 'files/read', fingerprint: 'f'.repeat(64), argsBytes: 20, argsHmac: 'e'.repeat(64), args: { path: '/etc/\u001b[31mhosts', id: 1 }, config: 'c'.repeat(16),
  effect: 'ask', rule: 'look', policy: 'p'.repeat(16), approval: 'ap_1', approvedBy: 'boss', limits: ['rate'], booked: [['day', 'alice', 0, 3]],
};
const RECORDS = [
  { kind: 'start', time: 1, version: '0' },
  CALL,
  { kind: 'refused', time: CALL.time + 1, call: 'c2', caller: '=cmd()', tenant: 'acme', session: 's1', name: 'rm\u202e', argsBytes: 2, code: 'unknown_tool' },
  { kind: 'outcome', time: CALL.time + 2, call: 'c1', outcome: 'failed', code: 'upstream_timeout', executed: 'maybe', resultBytes: 0, upstreamMs: 3, totalMs: 4, settled: [['day', 'alice', 0, -1]] },
];

function placeWith(records: readonly object[]): Place {
  const place = newPlace('data: ./data\n');
  makeLedger(place.data, { records: 0 });
  append(place.data, records);
  return place;
}

const bodies = (data: string): string[] => {
  const reader = createLedgerReader(data);
  try {
    return reader.after(0, 1_000_000).map(({ body }) => body);
  } finally {
    reader.close();
  }
};

test('search lists what fits, newest first, harmlessly, and helps with a word that is none of the choices [SEARCH-5]', async () => {
  const place = placeWith(RECORDS);
  const all = await place.run('audit', 'search');
  expect(all.code).toBe(0);
  expect(all.out.split('\n').map((line) => line.split(/\s{2,}/).slice(0, 6))).toEqual([
    ['SEQ', 'TIME', 'CALLER', 'TOOL', 'DECISION', 'OUTCOME'],
    ['3', '2026-11-22 10:00:00.001', '=cmd()', 'rm\\u202e', 'refused unknown_tool', 'c2'],
    ['2', '2026-11-22 10:00:00.000', 'alice', 'files/read', 'ask (look)', 'failed upstream_timeout'],
    ['1', '1970-01-01 00:00:00.001', '(start)'],
    [''],
  ]);
  const page = await place.run('audit', 'search', '--limit', '1', '--session', 's1');
  expect([page.out.split('\n').length, page.err]).toEqual([3, 'There is more: go on with --before 3.\n']);
  const next = await place.run('audit', 'search', '--limit', '1', '--session', 's1', '--before', '3', '--json');
  expect(JSON.parse(next.out)).toMatchObject({ entries: [{ seq: 2, end: 4, outcome: 'failed', durationMs: 4, trace: TRACE }] });
  expect(await place.run('audit', 'search', '--tool', 'files/*', '--outcome', 'complted')).toMatchObject({ code: 2, out: '', err: 'There is no outcome "complted". Did you mean "completed"?\n' });
  expect(await place.run('audit', 'search', '--since', 'yesterday')).toMatchObject({ code: 2, err: expect.stringContaining('expected a duration such as 2h') });
  expect(await place.run('audit', 'search', '--text', '**')).toMatchObject({ code: 2, err: expect.stringContaining('holds no word') });
});

test('show says everything about a call, by its id or by either of its records, and whether its hashes fit [SEARCH-6]', async () => {
  const place = placeWith(RECORDS);
  const byCall = await place.run('audit', 'show', 'c1');
  expect([(await place.run('audit', 'show', '2')).out, (await place.run('audit', 'show', '4')).out]).toEqual([byCall.out, byCall.out]);
  expect(byCall.code).toBe(0);
  for (const said of [
    /^record +2, ended by 4 \(intent\)$/m, /^who +alice, tenant acme, proved by key, ab12$/m, /^way in +mcp, protocol 2025-11-25, session s1, request 7$/m, /^tool +files\/read$/m, /^fingerprint +f{64}$/m,
    /^decision +ask, by rule look, under policy p+$/m, /^approval +ap_1, approved by boss$/m, /^budgets +booked \[\["day","alice",0,3\]\], settled \[\["day","alice",0,-1\]\]$/m,
    /^outcome +failed, upstream_timeout, executed maybe$/m, /^took +4 ms, of which upstream 3 ms$/m, /^hash +2: fits, [0-9a-f]{64}$/m, /^hash +4: fits, [0-9a-f]{64}$/m,
    /^neighbours +1 before, 3 after, 3 after in the session$/m, /"path": "\/etc\/\\u001b\[31mhosts"/,
  ]) expect(byCall.out).toMatch(said);
  expect(byCall.out).not.toContain('\u001b');
  expect(JSON.parse((await place.run('audit', 'show', 'c1', '--json')).out)).toMatchObject({ entry: { seq: 2 }, records: [{ seq: 2, body: bodies(place.data)[1] }, { seq: 4 }] });
  expect(await place.run('audit', 'show', '99')).toMatchObject({ code: 1, err: expect.stringContaining('There is no record or call "99"') });

  const db = new Database(join(place.data, LEDGER_FILE));
  const text = db.prepare<[], string>('SELECT bodies FROM pages').pluck().get() as string;
  db.prepare('UPDATE pages SET bodies = ?').run(text.replace('"caller":"alice"', '"caller":"mallo"'));
  db.close();
  const tampered = await place.run('audit', 'show', '2');
  expect([tampered.code, tampered.out]).toEqual([1, expect.stringMatching(/^hash +2: DOES NOT FIT: its text is not the one that was hashed$/m)]);
});

test('jsonl is the records themselves, byte for byte and in their order; a filter takes calls with their ends [SEARCH-7]', async () => {
  const place = newPlace('data: ./data\n');
  makeLedger(place.data, { records: 5000 });
  const all = bodies(place.data);
  expect((await place.run('audit', 'export')).out).toBe(`${all.join('\n')}\n`);
  expect((await place.run('audit', 'export', '--out', 'all.jsonl')).err).toBe('5000 records exported.\n');
  expect(readFileSync(join(place.dir, 'all.jsonl'), 'utf8')).toBe(`${all.join('\n')}\n`);
  const parsed = all.map((body) => JSON.parse(body) as { call?: string; caller?: string; effect?: string });
  const wanted = new Set(parsed.filter(({ caller, effect }) => caller === 'caller3' && effect === 'allow').map(({ call }) => call));
  const some = await place.run('audit', 'export', '--caller', 'caller3', '--decision', 'allow');
  const lines = some.out.trimEnd().split('\n');
  expect(lines).toEqual(all.filter((_body, at) => wanted.has(parsed[at]?.call)));
  expect(lines.length).toBeGreaterThan(50);
  // Of those who only want the beginning, nothing is said.
  const head = place.start(process.execPath, 'audit', 'export');
  head.child.stdout?.once('data', () => head.child.stdout?.destroy());
  expect(await head.ended).toMatchObject({ code: 0, err: '' });
});

test('csv is text to a spreadsheet, in a file of its own that is for its owner [SEARCH-7]', async () => {
  const place = placeWith(RECORDS);
  const done = await place.run('audit', 'export', '--format', 'csv', '--out', 'calls.csv');
  expect(done).toMatchObject({ code: 0, out: '', err: '3 entries exported.\n' });
  const path = join(place.dir, 'calls.csv');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const rows = readFileSync(path, 'utf8').split('\r\n');
  expect(rows[0]).toMatch(/^seq,end,time,kind,caller,tenant,tool/);
  expect(rows[2]).toContain(String.raw`"{""path"":""/etc/\u001b[31mhosts"",""id"":1}"`);
  expect(rows[3]).toContain(`"'=cmd()"`);
  expect(await place.run('audit', 'export', '--out', 'calls.csv')).toMatchObject({ code: 2, err: expect.stringContaining('nothing is written over') });
  for (const start of ['=', '+', '-', '@', '\t=', ' -', '\u0000@', '＝', '\r', '\n1']) {
    expect(csvLine({ seq: 1, time: 0, kind: 'refused', caller: `${start}1+1` }, undefined)).toContain(`"'${start}1+1"`);
  }
  expect(csvLine({ seq: 1, time: 0, kind: 'refused', caller: 'a"b,c' }, undefined)).toContain('"a""b,c"');
});

test('ocsf is API Activity 1.6.0 with all that is required, of calls only [SEARCH-7]', async () => {
  const place = placeWith(RECORDS);
  const done = await place.run('audit', 'export', '--format', 'ocsf');
  expect(done.err).toBe('1 record left out: ocsf is of calls only.\n');
  const events = done.out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const event of events) {
    // schema.ocsf.io/1.6.0/classes/api_activity: requirement "required"; constraints of actor and endpoint.
    expect(event).toMatchObject({
      activity_id: 99, category_uid: 6, class_uid: 6003, type_uid: 600_399, time: expect.any(Number), severity_id: expect.any(Number),
      metadata: { version: '1.6.0', product: { name: 'Signalbox', vendor_name: 'Signalbox' }, uid: expect.stringMatching(/^[0-9a-f]{64}$/) },
      actor: { user: { uid: expect.any(String) } }, api: { operation: expect.any(String), request: { uid: expect.any(String) } }, src_endpoint: { name: expect.any(String) },
    });
  }
  expect(events).toMatchObject([
    { status_id: 2, status_code: 'upstream_timeout', action_id: 1, severity_id: 2, duration: 4, api: { operation: 'files/read', service: { name: 'files' } }, actor: { user: { uid: 'alice', domain: 'acme' }, session: { uid: 's1' } } },
    { status_id: 2, status_code: 'unknown_tool', action_id: 2, disposition_id: 2, api: { operation: 'rm\u202e' } },
  ]);
});

test('otlp goes to a file or to a collector, which may ask for patience and refuse a part [SEARCH-7]', async () => {
  const place = placeWith(RECORDS);
  const bodiesSent: { path: string | undefined; key: unknown; body: string }[] = [];
  let tries = 0;
  const server = createServer((req, res) => {
    void textOf(req).then((body) => {
      tries += 1;
      if (tries === 1) return res.writeHead(503, { 'retry-after': '0' }).end();
      bodiesSent.push({ path: req.url, key: req.headers['x-key'], body });
      return res.end(JSON.stringify(tries === 2 ? {} : { partialSuccess: { rejectedLogRecords: '2' } }));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await until(() => server.listening);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sent = await place.run('audit', 'export', '--format', 'otlp', '--endpoint', url);
  expect(sent).toMatchObject({ code: 0, err: '3 entries exported.\n' });
  expect(bodiesSent).toMatchObject([{ path: '/v1/logs', body: (await place.run('audit', 'export', '--format', 'otlp')).out }]);
  const { resourceLogs } = JSON.parse(bodiesSent[0]?.body ?? '') as { resourceLogs: { scopeLogs: { logRecords: Record<string, unknown>[] }[] }[] };
  expect(resourceLogs[0]?.scopeLogs[0]?.logRecords[1]).toMatchObject({
    timeUnixNano: `${CALL.time}000000`, severityNumber: 17, traceId: TRACE, eventName: 'signalbox.call', body: { stringValue: 'alice files/read failed upstream_timeout' },
    attributes: expect.arrayContaining([{ key: 'signalbox.seq', value: { intValue: '2' } }, { key: 'gen_ai.tool.name', value: { stringValue: 'files/read' } }, { key: 'error.type', value: { stringValue: 'upstream_timeout' } }]),
  });
  const collector = createCollector({ url: collectorUrl(`${url}/elsewhere`) as URL, headers: collectorHeaders('x-key=a%20b, broken') });
  expect(await collector.send('{}')).toBe(2);
  expect(bodiesSent[1]).toMatchObject({ path: '/elsewhere', key: 'a b' });
  expect((await place.run('audit', 'export', '--format', 'otlp', '--endpoint', url)).code).toBe(1);
  expect([collectorUrl('file:///etc/passwd'), collectorUrl('nonsense')]).toEqual([undefined, undefined]);
});

test('an export waits for who reads it [SEARCH-7]', async () => {
  const place = newPlace('data: ./data\n');
  makeLedger(place.data, { records: 20_000 });
  await place.run('audit', 'index');
  const slow = place.start(process.execPath, 'audit', 'export');
  slow.child.stdout?.pause();
  const written = (): number => Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${slow.child.pid}/io`, 'utf8'))?.[1]);
  let last = -1;
  let lastChange = Date.now();
  await until(() => {
    if (written() !== last) [last, lastChange] = [written(), Date.now()];
    return last > 60_000 && Date.now() - lastChange > 500;
  });
  const total = bodies(place.data).join('\n').length + 1;
  expect(last).toBeLessThan(total / 4);
  slow.child.stdout?.resume();
  expect((await slow.ended).out).toHaveLength(total);
});

async function textOf(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return text;
}
