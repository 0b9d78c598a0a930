/** `signalbox audit show`: one call, or one record, as a person reads it; and whether its text is the one that was hashed. */
import { isJsonObject, parseLossless, type JsonObject, type JsonValue } from '../../../core/json.ts';
import { printableLines } from '../../../core/text.ts';
import { listTenantKeys, type TenantKey } from '../../../store/index.ts';
import { shownOf, type Shown, type ShownRecord } from '../../audit/show.ts';
import { CommandError } from '../exit.ts';
import { duration, print, printJson, table } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { withIndex } from './indexed.ts';
import { timeOf } from './search.ts';

export async function show(what: string, options: CommonOptions): Promise<void> {
  const shown = await withIndex(dataDirOf(options), (index, reader) => shownOf(index, reader, /^\d{1,15}$/.test(what) ? Number(what) : what));
  if (shown.length === 0) throw new CommandError(`There is no record or call "${what.slice(0, 100)}" in the ledger. "signalbox audit search" lists them.`);
  const keys = new Map(listTenantKeys(dataDirOf(options)).map((key) => [key.id, key]));
  if (options.json === true) printJson(shown.length === 1 ? shown[0] : shown);
  else print(printableLines(shown.map((one) => pageOf(one, keys)).join('\n\n')));
  if (shown.some(({ records }) => records.some(({ problem }) => problem !== undefined))) throw new CommandError(options.json === true ? '' : 'A record is not what was written: see "signalbox audit verify".');
}

/** What has its own line below; the rest of a record is shown as it is. */
const TOLD = new Set(['seq', 'prev', 'kind', 'time', 'call', 'caller', 'tenant', 'proof', 'proofId', 'actsFor', 'face', 'protocol', 'session', 'request', 'trace', 'profile', 'name', 'tool', 'fingerprint',
  'argsBytes', 'argsHmac', 'args', 'payload', 'effect', 'rule', 'policy', 'approval', 'approvedBy', 'edited', 'limits', 'booked', 'settled', 'outcome', 'isError', 'code', 'executed', 'resultBytes', 'upstreamMs', 'totalMs']);

function pageOf({ entry, records, neighbours }: Shown, keys: ReadonlyMap<string, TenantKey>): string {
  const bodies = records.map(({ body }) => parsed(body));
  const [first = {}, end = {}] = bodies;
  const last = records.length > 1 ? end : first;
  const rest = Object.entries({ ...first, ...end }).filter(([name]) => !TOLD.has(name));
  const rows: (readonly [string, string | undefined])[] = [
    ['record', `${entry.seq}${entry.end === undefined || entry.end === entry.seq ? '' : `, ended by ${entry.end}`}${entry.kind === '' ? '' : ` (${entry.kind})`}`],
    ['time', entry.kind === '' ? undefined : timeOf(entry.time)],
    ['call', entry.call],
    ['who', joined([entry.caller, of('tenant', entry.tenant), of('proved by', first['proof']), text(first['proofId']), of('acting for', first['actsFor'])])],
    ['way in', joined([text(first['face']), of('protocol', first['protocol']), of('session', entry.session), of('request', first['request'])])],
    ['trace', entry.trace],
    ['asked for', joined([text(first['name']), of('in profile', first['profile'])])],
    ['tool', entry.tool],
    ['fingerprint', text(first['fingerprint'])],
    ['decision', joined([entry.decision, of('by rule', entry.rule), of('under policy', first['policy'])])],
    ['approval', joined([entry.approval, of('approved by', first['approvedBy']), first['edited'] === true ? 'arguments edited' : undefined])],
    ['limits', listed(first['limits'])],
    ['budgets', joined([of('booked', first['booked']), of('settled', end['settled'])])],
    ['outcome', joined([entry.outcome === 'open' ? 'under way' : entry.outcome, entry.isError === true ? 'the tool said it is an error' : undefined, entry.code, of('executed', last['executed'])])],
    ['took', joined([took(last['totalMs']), last['upstreamMs'] === undefined ? undefined : `of which upstream ${took(last['upstreamMs'])}`])],
    ['result', last['resultBytes'] === undefined ? undefined : `${text(last['resultBytes'])} bytes`],
    ['arguments', joined([first['argsBytes'] === undefined ? undefined : `${text(first['argsBytes'])} bytes`, of('HMAC', first['argsHmac'])])],
    ...records.map(({ seq }, at) => ['payload', payloadOf(seq, bodies[at]?.['payload'], keys)] as const),
    ...rest.map(([name, value]) => [name, text(value)] as const),
    ...records.map((record) => ['hash', `${record.seq}: ${fits(record)}`] as const),
    ['neighbours', joined([ofSeq('before', neighbours.before), ofSeq('after', neighbours.after), ofSeq('before in the session', neighbours.beforeInSession), ofSeq('after in the session', neighbours.afterInSession)])],
  ];
  const lines = table(rows.flatMap(([label, value]) => (value === undefined || value === '' ? [] : [[label, value]])), Infinity);
  return first['args'] === undefined ? lines : `${lines}\n\n${JSON.stringify(first['args'], null, 2)}`;
}

/** Encrypted: what it says, the operator asks for by a command of its own, which is recorded. */
function payloadOf(seq: number, payload: JsonValue | undefined, keys: ReadonlyMap<string, TenantKey>): string | undefined {
  if (!isJsonObject(payload)) return undefined;
  const id = text(payload['key']);
  if (id === undefined) return `of ${seq}: not kept, it could not be encrypted`;
  const key = keys.get(id);
  if (key?.erasedAt !== undefined) return `of ${seq}: erased ${timeOf(key.erasedAt)}, with key ${id} of tenant ${key.tenant}`;
  return key === undefined ? `of ${seq}: unreadable, its key ${id} is not here` : `of ${seq}: encrypted under key ${id}; "signalbox audit payload ${seq}" opens it`;
}

/** What was changed by hand need be no JSON. */
function parsed(body: string): JsonObject {
  try {
    const value = parseLossless(body);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function fits({ body, hash, problem }: ShownRecord): string {
  if (body === '') return `the text was purged; its hash is ${hash}`;
  return problem === undefined ? `fits, ${hash}` : `DOES NOT FIT: ${problem}`;
}

const text = (value: unknown): string | undefined => (value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value));
const of = (label: string, value: unknown): string | undefined => (value === undefined || (Array.isArray(value) && value.length === 0) ? undefined : `${label} ${text(value)}`);
const ofSeq = (label: string, seq: number | undefined): string | undefined => (seq === undefined ? undefined : `${seq} ${label}`);
const took = (value: JsonValue | undefined): string | undefined => (typeof value === 'number' ? duration(value) : undefined);
const joined = (parts: readonly (string | undefined)[]): string => parts.filter((part) => part !== undefined).join(', ');
const listed = (value: JsonValue | undefined): string | undefined => (Array.isArray(value) && value.length > 0 ? value.map((one) => (isJsonObject(one) ? JSON.stringify(one) : String(one))).join(', ') : undefined);
