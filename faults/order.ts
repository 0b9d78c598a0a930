/** Seen from the kernel: a call's intent is on the disk before the first byte of that call leaves the gateway. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_FILE } from '../store/index.ts';
import { newPlace } from '../test/faults/support.ts';
import { textIn } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { count, createPromises, type FaultCase } from './case.ts';
import { parseTrace, straceWith, type SystemCall } from './strace.ts';

const CLIENTS = 16;
/** SQLite calls the one or the other, by how it was built. */
const isSync = ({ name }: SystemCall): boolean => name === 'fdatasync' || name === 'fsync';
const WATCHED = 'trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg';
/** More than one page of the log, and more than one request upstream. */
const SHOWN_BYTES = 16_384;

/** What the trace says of one call. */
interface Passage {
  readonly id: string;
  readonly logged?: SystemCall;
  readonly synced?: SystemCall;
  readonly left?: SystemCall;
}

export const order: FaultCase = {
  name: 'order',
  requirements: ['FAULT-5'],
  fault: 'Power fails the moment after a call went upstream',
  promise: "The call's intent was on the disk by then: `PRAGMA synchronous` is FULL on the writer's connection, and no byte of a call leaves before the `fsync` over its intent has returned (SQLite calls that or `fdatasync`, by how it was built)",
  method:
    'strace over all threads: each call has a marker in its arguments; the page with the marker is written to the log (`pwrite64`), the log is synced (`fsync` = 0), and only then the marker is written anywhere else (pipe to the stdio server, connection to the HTTP server); and each commit of the writer ends in a sync',
  async run({ atEnd, quick, place: options }) {
    const callsEach = quick ? 8 : 60;
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const trace = join(place.home, 'trace');
    const under = straceWith(['-yy', '-s', String(SHOWN_BYTES), '-e', WATCHED, '-o', trace], { isFast: true });
    const gateway = await place.serve({ servers: { pipe: place.recorder, web: await place.startRecorder() } }, { under });
    const client = gateway.client();
    await until('both servers are there', async () => (await client.names()).length === 2);
    const ids: string[] = [];
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, number) => {
        for (let turn = 0; turn < callsEach; turn++) {
          const id = `marker-${number}-${turn}-`;
          ids.push(id);
          // Twice: where one lies across two pages of the log, the other does not.
          const answer = textIn(await client.call(number % 2 === 0 ? 'pipe__record' : 'web__record', { id, again: id }));
          promises.keep(`call ${id} is answered`, answer === id);
        }
      }),
    );
    process.kill((await place.status()).pid, 'SIGTERM');
    promises.keep('it ends with 0', (await gateway.ended) === 0);

    const calls = parseTrace(readFileSync(trace, 'latin1'));
    const log = `${join(place.dataDir, LEDGER_FILE)}-wal`;
    const passages = passagesOf(calls, log, ids);
    promises.none('calls whose intent was not seen in the log', passages.filter(({ logged }) => logged === undefined).map(({ id }) => id));
    promises.none('calls that were not seen to leave', passages.filter(({ left }) => left === undefined).map(({ id }) => id));
    promises.none('calls that left before their intent was synced', passages.filter(({ left, synced }) => left !== undefined && (synced === undefined || left.from <= synced.to)).map(({ id }) => id));
    const { commits, unsynced } = commitsOf(calls, log);
    promises.none('commits of the ledger without a sync', unsynced);
    const kinds = new Set(passages.map(({ left }) => left?.file.split(':')[0]));
    promises.keep(`calls left by pipe and by TCP (seen: ${[...kinds].join(', ')})`, kinds.has('TCP') && kinds.size >= 2);
    return {
      figure: `${count(passages.length)} calls of ${CLIENTS} clients at once, both kinds of server: **left before their intent was synced ${passages.filter(({ left, synced }) => left === undefined || synced === undefined || left.from <= synced.to).length}**; ${count(commits)} commits, **without a sync ${unsynced.length}**`,
      broken: promises.broken,
    };
  },
};

function passagesOf(calls: readonly SystemCall[], log: string, ids: readonly string[]): Passage[] {
  const syncs = calls.filter((call) => isSync(call) && call.file === log && call.result.startsWith('0'));
  const logged = new Map<string, SystemCall>();
  const left = new Map<string, SystemCall>();
  for (const call of calls) {
    const seen = call.name === 'pwrite64' ? (call.file === log ? logged : undefined) : left;
    if (seen === undefined || isSync(call)) continue;
    for (const [id] of call.args.matchAll(/marker-\d+-\d+-/g)) if (!seen.has(id)) seen.set(id, call);
  }
  return ids.map((id) => {
    const wrote = logged.get(id);
    const synced = wrote === undefined ? undefined : syncs.find((sync) => sync.thread === wrote.thread && sync.from > wrote.to);
    const gone = left.get(id);
    return { id, ...(wrote === undefined ? {} : { logged: wrote }), ...(synced === undefined ? {} : { synced }), ...(gone === undefined ? {} : { left: gone }) };
  });
}

/**
 * With `synchronous = FULL` SQLite syncs the log after each commit (sqlite.org/pragma.html#pragma_synchronous); with NORMAL
 * it does so only before it copies the log into the database. A commit is a run of writes to the log by the thread; what
 * ends a run must be a sync.
 */
function commitsOf(calls: readonly SystemCall[], log: string): { commits: number; unsynced: number[] } {
  const writer = calls.find(({ name, file, args }) => name === 'pwrite64' && file === log && args.includes('marker-'))?.thread;
  let commits = 0;
  const unsynced: number[] = [];
  let unsyncedSince: number | undefined;
  for (const call of calls) {
    const { name, thread, file, from } = call;
    if (thread !== writer) continue;
    if (file === log && name === 'pwrite64') unsyncedSince ??= from;
    else if (file === log && isSync(call)) {
      if (unsyncedSince !== undefined) commits += 1;
      unsyncedSince = undefined;
    } else if (unsyncedSince !== undefined) {
      unsynced.push(unsyncedSince);
      unsyncedSince = undefined;
    }
  }
  return { commits, unsynced };
}
