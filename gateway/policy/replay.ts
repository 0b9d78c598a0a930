/**
 * A draft of rules over the calls that the ledger holds: which of them it would have decided otherwise. What a record
 * does not tell is said to be undecidable, and never taken for unchanged. Nothing is called or written.
 */
import type { StoredRecord } from '../../core/audit.ts';
import type { Rules } from '../../core/decision.ts';
import { own, parseLossless, type JsonObject } from '../../core/json.ts';
import type { Principal } from '../../core/principal.ts';
import type { CallerSettings, ProfileSettings, RuleSettings, Settings } from '../../core/settings.ts';
import type { Route } from '../../core/tool.ts';
import { compileLabels, compileRecordedRules, recordedArguments, type RecordedDecision } from '../../policies/index.ts';
import { recordedCall, type RecordedCall, type Told } from './recorded-call.ts';
import { replayTouched } from './touched.ts';

export interface Draft {
  readonly rules: readonly RuleSettings[];
  readonly labels: Settings['labels'];
  /** Whose roles count: they are not recorded. */
  readonly callers: readonly CallerSettings[];
  readonly profiles: readonly ProfileSettings[];
  readonly servers: readonly { readonly id: string }[];
}

interface Subject {
  readonly seq: number;
  readonly time: number;
  readonly caller: string;
  readonly tool: string;
  readonly args?: JsonObject;
  readonly from: Told;
}

export interface Change extends Subject {
  /** `rules`: any of them, where what redaction took out decides which. */
  readonly to: Told & { readonly rules?: readonly string[] };
}

export interface Undecidable extends Subject {
  readonly why: string;
}

export interface Replay {
  readonly calls: number;
  /** Decided by the same rule, with the same effect. */
  readonly unchanged: number;
  readonly changed: readonly Change[];
  /** The same effect by another rule. */
  readonly otherRule: readonly Change[];
  readonly undecidable: readonly Undecidable[];
  /** Refused before any rule was asked; rules change nothing about them. */
  readonly notDecided: number;
  /** Refusals that were counted while the ledger could not be written, and are not there to be replayed. */
  readonly unrecorded: number;
}

export interface ReplayOptions {
  /** From the first; asked for again where calls have to be looked up. */
  readonly records: () => Iterable<StoredRecord>;
  readonly draft: Draft;
  /** The rules of the configuration: where they were in force, they tell that an unknown tool was not there. */
  readonly inForce: Rules;
  readonly sinceMs: number;
}

/** `,"kind":"intent","time":1795363200000`: near the beginning of every record (docs/ledger.md). */
const HEAD = /^\{"seq":\d+,"prev":"[0-9a-f]{64}","kind":"([a-z]+)","time":(\d+)/;
const POLICY_DIGITS = 16;
/** Decided as the call whose result it reads. */
const READ_RESULT = 'signalbox/read_result';

export function replay({ records, draft, inForce, sinceMs }: ReplayOptions): Replay {
  const labelsOf = compileLabels(draft.labels);
  const readsFlow = Object.keys(draft.labels).length > 0 && draft.rules.some(({ when }) => when?.includes('flow') === true);
  const touched = readsFlow ? replayTouched(labelsOf) : undefined;
  const judge = createJudge(draft, labelsOf);
  const unknown: (readonly [call: RecordedCall, seen: readonly string[] | undefined])[] = [];
  const readings: (readonly [call: RecordedCall, seen: readonly string[] | undefined])[] = [];
  /** Which tool a name led to, in a profile. */
  const named = new Map<string, string>();
  const sum = { calls: 0, unchanged: 0, notDecided: 0, unrecorded: 0, changed: [] as Change[], otherRule: [] as Change[], undecidable: [] as Undecidable[] };

  const count = (call: RecordedCall, tool: string, from: Told, said: RecordedDecision | Told | string): void => {
    const subject = { seq: call.seq, time: call.time, caller: call.caller, tool, ...(call.args === undefined ? {} : { args: call.args }), from };
    const to = typeof said === 'string' ? said : compared(from, said);
    if (to === 'unchanged') sum.unchanged += 1;
    else if (typeof to === 'string') sum.undecidable.push({ ...subject, why: to });
    else (to.effect === from.effect ? sum.otherRule : sum.changed).push({ ...subject, to });
  };

  const take = (call: RecordedCall): void => {
    if (call.tool !== undefined) named.set(`${call.profile ?? ''}\0${call.name}`, call.tool);
    const seen = touched?.before(call);
    if (call.time < sinceMs) return;
    sum.calls += 1;
    if (call.told === undefined) sum.notDecided += 1;
    else if (call.tool === READ_RESULT) readings.push([call, seen]);
    else if (call.tool === undefined) unknown.push([call, seen]);
    else count(call, call.tool, call.told, judge(call, call.tool, seen));
  };

  for (const { body } of records()) {
    const { kind, time } = headOf(body);
    const speaksOfCall = kind === 'intent' || kind === 'refused';
    if (touched === undefined && (!speaksOfCall || time < sinceMs)) continue;
    const read = (speaksOfCall ? parseLossless(body) : JSON.parse(body)) as JsonObject;
    const call = recordedCall(read);
    if (call !== undefined) take(call);
    else if (typeof own(read, 'unrecorded') === 'number' && time >= sinceMs) sum.unrecorded += Number(own(read, 'unrecorded'));
    else touched?.note(read);
  }
  for (const [call, seen] of unknown) {
    const found = traced(call, draft, named, inForce, (tool) => judge(call, tool, seen));
    count(call, found.tool ?? call.name, { effect: 'unknown' }, found.said);
  }
  const origins = originsOf(readings.map(([call]) => call.of), records);
  for (const [call, seen] of readings) {
    const origin = call.of === undefined ? undefined : origins.get(call.of);
    const told = call.told ?? { effect: 'unknown' };
    if (origin?.tool === undefined) count(call, READ_RESULT, told, 'which result was read was not recorded');
    else count(call, READ_RESULT, told, allowedAsAsked(judge({ ...call, args: origin.args, argsBytes: origin.argsBytes }, origin.tool, seen)));
  }
  return { ...sum, otherRule: bySeq(sum.otherRule), undecidable: bySeq(sum.undecidable), changed: bySeq(sum.changed) };
}

/** Without reading the whole, where it begins as records do. */
function headOf(body: string): { readonly kind: unknown; readonly time: number } {
  const head = HEAD.exec(body);
  if (head !== null) return { kind: head[1], time: Number(head[2]) };
  const read = JSON.parse(body) as JsonObject;
  return { kind: own(read, 'kind'), time: Number(own(read, 'time')) };
}

/** The calls whose results were read. */
function originsOf(calls: readonly (string | undefined)[], records: ReplayOptions['records']): ReadonlyMap<string, RecordedCall> {
  const wanted = new Set(calls.filter((call) => call !== undefined));
  const found = new Map<string, RecordedCall>();
  if (wanted.size === 0) return found;
  for (const { body } of records()) {
    if (headOf(body).kind !== 'intent') continue;
    const call = recordedCall(parseLossless(body) as JsonObject);
    if (call !== undefined && wanted.has(call.call)) found.set(call.call, call);
  }
  return found;
}

/** Who approved a call approved of its result: reading it is let through where the call would be asked about. */
const allowedAsAsked = (said: RecordedDecision | Told | string): RecordedDecision | Told | string =>
  typeof said === 'object' && 'type' in said && said.type !== 'undecidable' && said.effect === 'ask' ? { ...said, effect: 'allow' } : said;

const bySeq = <T extends Subject>(calls: T[]): T[] => calls.sort((a, b) => a.seq - b.seq);

type Judge = (call: RecordedCall, tool: string, seen: readonly string[] | undefined) => RecordedDecision | Told | string;

function createJudge(draft: Draft, labelsOf: (ref: string) => readonly string[] | undefined): Judge {
  const rules = compileRecordedRules(draft.rules);
  const principals = new Map<string, Principal | undefined>();
  const routes = new Map<string, Route>();
  const principalOf = (call: RecordedCall): Principal | undefined => {
    const key = `${call.tenant}\0${call.proof}\0${call.caller}`;
    if (!principals.has(key)) principals.set(key, principalFor(call, draft.callers));
    return principals.get(key);
  };
  return (call, tool, seen) => {
    const principal = principalOf(call);
    if (principal === undefined) return `caller "${call.caller}" is no longer configured, so that its roles are not known`;
    let route = routes.get(tool);
    if (route === undefined) routes.set(tool, (route = routeOf(tool, labelsOf(tool))));
    const { args, argsBytes, origin, profile, time } = call;
    if (!rules.mayAllow({ principal, route, profile })) return { effect: 'unknown' };
    const request = { principal, route, args: {}, origin, profile, ...(seen === undefined ? {} : { seen }) };
    return rules.decide(request, recordedArguments(args, argsBytes), time);
  };
}

/** Whom the record names, with the roles that are configured now. The operator calls as `local` and has none. */
function principalFor({ caller, tenant, proof }: RecordedCall, callers: readonly CallerSettings[]): Principal | undefined {
  const configured = callers.find(({ id }) => id === caller);
  if (configured === undefined && caller !== 'local') return undefined;
  return { id: caller, tenant, roles: configured?.roles ?? [], proof };
}

function routeOf(ref: string, labels: readonly string[] | undefined): Route {
  const slash = ref.indexOf('/');
  return { ref, server: ref.slice(0, slash), tool: ref.slice(slash + 1), publicName: ref, fingerprint: '', definition: {}, ...(labels === undefined ? {} : { labels }) };
}

/** What the draft decides against what was recorded: a change, `unchanged`, or in words why it cannot be said. */
function compared(from: Told, said: RecordedDecision | Told): Change['to'] | string {
  if (!('type' in said)) return said.effect === from.effect ? 'unchanged' : said;
  switch (said.type) {
    case 'decided':
      if (said.effect === from.effect && said.rule === from.rule) return 'unchanged';
      return { effect: said.effect, ...(said.rule === undefined ? {} : { rule: said.rule }) };
    case 'effect-only':
      if (said.effect === from.effect) return `which rule decides depends on arguments that were not recorded as they came (${said.rules.map((rule) => rule ?? 'none').join(', ')})`;
      return { effect: said.effect, rules: said.rules.flatMap((rule) => rule ?? []) };
    case 'undecidable':
      return `${said.rules.map((rule) => `"${rule}"`).join(', ')} read arguments that were not recorded as they came`;
    default:
      return said satisfies never;
  }
}

/** A name that led nowhere: because there was no such tool, or because this caller was not to know of it. */
function traced(call: RecordedCall, draft: Draft, named: ReadonlyMap<string, string>, inForce: Rules, judge: (tool: string) => ReturnType<Judge>): { tool?: string; said: ReturnType<Judge> } {
  const known = named.get(`${call.profile ?? ''}\0${call.name}`);
  if (known !== undefined) return { tool: known, said: judge(known) };
  const server = draft.servers.find(({ id }) => call.name.startsWith(`${id}__`));
  const profile = draft.profiles.find(({ id }) => id === call.profile);
  const mayBeRenamed = call.profile !== undefined && (profile === undefined || profile.names === 'plain' || Object.keys(profile.tools).length > 0);
  if (server === undefined) return { said: mayBeRenamed ? 'which tool the name stood for was not recorded' : { effect: 'unknown' } };
  const tool = `${server.id}/${call.name.slice(server.id.length + 2)}`;
  const said = judge(tool);
  if (typeof said === 'string' || (!('type' in said) && said.effect === 'unknown')) return { tool, said };
  const principal = principalFor(call, draft.callers);
  const wasVisible = principal !== undefined && call.policy === inForce.hash.slice(0, POLICY_DIGITS) && inForce.mayAllow({ principal, route: routeOf(tool, undefined), profile: call.profile });
  return { tool, said: wasVisible ? { effect: 'unknown' } : 'whether there was such a tool was not recorded' };
}
