/** The ledger asked through a gateway: pages for the console, by processes that are gone with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { makeLedger } from '../../bench/fixtures/records.ts';
import { createSearchKeeper, type SearchKeeper } from '../../gateway/audit/index.ts';
import { readGatewayInfo, SEARCH_FILE, type SearchPage } from '../../store/index.ts';
import { newPlace, SERVERS, until } from '../cli/support.ts';
import { openIndex, searchAll, temporaryDir } from './support.ts';

/** Processes whose command line names the directory. */
function processesOf(dir: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dir);
    } catch {
      return false;
    }
  });
}

test('the admin API searches in pages and shows a call, says what is wrong with a question, and is the operator\'s [SEARCH-8]', async () => {
  const place = newPlace(SERVERS);
  const gateway = place.start(process.execPath, 'serve');
  await until(() => gateway.out().includes('listening on'));
  const { url, adminToken } = readGatewayInfo(place.data) as { url: string; adminToken: string };
  const get = async (path: string, token = adminToken): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${url}/admin${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  for (const message of ['one', 'two', 'three']) expect((await place.run('call', 'up__echo', JSON.stringify({ message }))).code).toBe(0);
  // What ended has its record soon after.
  let page: SearchPage = { entries: [] };
  await until(async () => (page = (await get('/audit?outcome=completed')).body as unknown as SearchPage).entries.length === 3);
  expect(page.entries.map(({ tool, caller, decision }) => [tool, caller, decision])).toEqual(Array.from({ length: 3 }, () => ['up/echo', 'local', 'allow']));
  const first = (await get('/audit?outcome=completed&limit=2')).body as unknown as SearchPage;
  const rest = (await get(`/audit?outcome=completed&limit=2&before=${first.next}`)).body as unknown as SearchPage;
  expect([...first.entries, ...rest.entries]).toEqual(page.entries);
  expect(rest.next).toBeUndefined();
  expect((await get('/audit?text=two')).body).toMatchObject({ entries: [{ call: page.entries[1]?.call }] });
  const { seq, end, call } = page.entries[0] ?? {};
  expect((await get(`/audit/${seq}`)).body).toEqual((await get(`/audit/${call}`)).body);
  expect((await get(`/audit/${seq}`)).body).toMatchObject({ shown: [{ entry: { seq }, records: [{ seq, body: expect.stringContaining('"three"') }, { seq: end }] }] });

  expect(await get('/audit?outcme=failed')).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('There is no "outcme"') } } });
  expect(await get('/audit?outcome=faild')).toMatchObject({ status: 400, body: { error: { message: 'There is no outcome "faild". Did you mean "failed"?' } } });
  for (const wrong of ['limit=0', 'limit=501', 'limit=x', 'before=-1', 'caller=a&caller=b']) expect((await get(`/audit?${wrong}`)).status).toBe(400);
  expect((await get('/audit/999999')).status).toBe(404);
  expect((await get('/audit', 'no-token')).status).toBeGreaterThanOrEqual(401);

  expect(processesOf(place.data).length).toBe(1);
  gateway.child.kill('SIGTERM');
  expect((await gateway.ended).code).toBe(0);
  await until(() => processesOf(place.data).length === 0);
});

test('the index is brought up to date in a process of its own, once nothing is going on and it is worth it [SEARCH-8]', async () => {
  const dir = temporaryDir();
  makeLedger(dir, { records: 3000 });
  const keepers: SearchKeeper[] = [];
  onTestFinished(() => keepers.forEach((one) => one.close()));
  const keeper = (options: { idleMs: number; worthBytes: number }): SearchKeeper => {
    const made = createSearchKeeper({ dataDir: dir, log: silentLog, ...options });
    keepers.push(made);
    return made;
  };
  keeper({ idleMs: 60_000, worthBytes: 1 }).beat();
  keeper({ idleMs: 0, worthBytes: 1e9 }).beat();
  expect(processesOf(dir)).toEqual([]);
  expect(existsSync(join(dir, SEARCH_FILE))).toBe(false);
  const idle = keeper({ idleMs: 0, worthBytes: 1 });
  idle.beat();
  idle.beat();
  await until(() => processesOf(dir).length === 1);
  const [pid] = processesOf(dir);
  // Field 19 of /proc/PID/stat (proc(5)), counted behind the name.
  const niceness = (): string | undefined => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[16];
    } catch {
      return 'gone';
    }
  };
  await until(() => niceness() === '19');
  await until(() => processesOf(dir).length === 0);
  const index = openIndex(dir);
  expect(searchAll(index, {}, 500).length).toBeGreaterThan(1000);
});
