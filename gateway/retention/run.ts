/** An action of the desk by its name and terms as they come over the wire, or from a command where no gateway runs. */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import { RetentionRefused, type RetentionDesk } from './desk.ts';

/** Who holds the operator's token. */
const OPERATOR = 'operator';
const MAX_REASON_CHARS = 2000;

type Action = (desk: RetentionDesk, terms: JsonObject) => Promise<object>;

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['tenants', async (desk) => ({ keys: desk.tenants() })],
  ['rotate', async (desk, terms) => ({ key: await desk.rotate(required(terms, 'tenant'), OPERATOR) })],
  ['erase', (desk, terms) => desk.erase(required(terms, 'tenant'), OPERATOR)],
  ['holds', async (desk) => ({ holds: await desk.holds() })],
  ['hold', async (desk, terms) => ({ hold: await desk.hold(holdTerms(terms), OPERATOR) })],
  ['release', async (desk, terms) => ({ hold: await desk.release(required(terms, 'id'), required(terms, 'reason'), OPERATOR) })],
  ['purge', (desk, terms) => desk.purge(moment(terms, 'before'), text(terms, 'reason'), OPERATOR, own(terms, 'dryRun') === true)],
  ['payload', async (desk, terms) => ({ payloads: await Promise.all(seqs(terms).map((seq) => desk.payload(seq, OPERATOR))) })],
]);

/** @throws RetentionRefused in words, where it is not taken */
export async function runRetention(desk: RetentionDesk, name: string, terms: unknown): Promise<object> {
  const action = ACTIONS.get(name);
  if (action === undefined) throw new RetentionRefused(`There is no action "${name.slice(0, 64)}"; there are ${[...ACTIONS.keys()].join(', ')}.`);
  return action(desk, isJsonObject(terms) ? terms : {});
}

function holdTerms(terms: JsonObject): Parameters<RetentionDesk['hold']>[0] {
  const [tenant, caller, fromMs, toMs] = [text(terms, 'tenant'), text(terms, 'caller'), moment(terms, 'from'), moment(terms, 'to')];
  if (tenant === undefined && caller === undefined && fromMs === undefined && toMs === undefined) throw new RetentionRefused('Say what is held: a tenant, a caller, a time from or to.');
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) throw new RetentionRefused('Expected "from" to lie before "to".');
  return {
    ...(tenant === undefined ? {} : { tenant }),
    ...(caller === undefined ? {} : { caller }),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    reason: required(terms, 'reason'),
  };
}

function text(terms: JsonObject, name: string): string | undefined {
  const value: JsonValue | undefined = own(terms, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '' || value.length > MAX_REASON_CHARS) throw new RetentionRefused(`Expected "${name}" to be a text of 1 to ${MAX_REASON_CHARS} characters.`);
  return value;
}

function required(terms: JsonObject, name: string): string {
  const value = text(terms, name);
  if (value === undefined) throw new RetentionRefused(`Expected "${name}".`);
  return value;
}

function moment(terms: JsonObject, name: string): number | undefined {
  const value = own(terms, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new RetentionRefused(`Expected "${name}" in milliseconds since 1970.`);
  return value;
}

const MAX_SEQS = 100;

function seqs(terms: JsonObject): number[] {
  const value = own(terms, 'seqs');
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SEQS || !value.every((seq) => Number.isSafeInteger(seq) && Number(seq) > 0)) {
    throw new RetentionRefused(`Expected "seqs" to be 1 to ${MAX_SEQS} numbers of records.`);
  }
  return value as number[];
}
