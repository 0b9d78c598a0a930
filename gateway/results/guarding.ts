/**
 * Phase 7: what the guards make of an outcome. What they cut off is kept for its caller, and the result says how to read
 * on. It judges nothing itself.
 */
import type { ToolCall } from '../../core/call.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Progress } from '../../core/progress.ts';
import type { DecisionRequest } from '../../core/decision.ts';
import type { Guards, Verdict } from '../../core/guard.ts';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import { textOfResult } from '../../policies/index.ts';
import type { HeldResults } from './held.ts';

/** For records and metrics: which guard spoke, and how much of what it found. */
export interface Guarded {
  readonly guard: string;
  readonly found: Readonly<Record<string, number>>;
}

export interface GuardedOutcome {
  readonly outcome: Outcome;
  readonly guarded?: Guarded;
}

/** What of a box guarding needs. */
interface Guarding {
  readonly guards: Guards & { capOf(request: DecisionRequest): number | undefined };
}

export type GuardPhase = (box: Guarding, call: ToolCall, request: DecisionRequest, outcome: Outcome, bytes: number) => GuardedOutcome | Promise<GuardedOutcome>;

const META_KEY = 'dev.signalbox/guard';

/** @param hide takes out what the gateway itself knows to be secret: from a whole, since a page might show half of it */
export function createGuardPhase(results: HeldResults, hide: (value: JsonValue) => JsonValue): GuardPhase {
  function completed(box: Guarding, call: ToolCall, request: DecisionRequest, outcome: Outcome & { type: 'completed' }, verdict: Verdict, bytes: number): GuardedOutcome {
    if (verdict.type === 'pass') return { outcome };
    const { guard, found } = verdict;
    if (verdict.type === 'block') return { outcome: blocked(verdict.message), guarded: { guard, found } };
    const { result, rest } = verdict;
    let told = withMeta(result, { guard, found: { ...found } });
    if (rest !== undefined) {
      const whole = hide(rest.result) as JsonObject;
      const text = textOfResult(whole);
      const { ref, fingerprint } = request.route;
      const handle = results.keep(call, { call: call.id, ref, fingerprint, args: request.args, result: whole, text, bytes: Math.max(bytes, rest.bytes), maxBytes: box.guards.capOf(request) ?? rest.bytes });
      told = withNote(told, handle, text);
    }
    return { outcome: { ...outcome, result: told }, guarded: { guard, found } };
  }

  return (box, call, request, outcome, bytes) => {
    if (outcome.type === 'completed') {
      const verdict = box.guards.judge(request, outcome.result, bytes);
      if (!(verdict instanceof Promise)) return completed(box, call, request, outcome, verdict, bytes);
      return verdict.then((later) => completed(box, call, request, outcome, later, bytes));
    }
    if (outcome.type !== 'failed' || outcome.upstreamError === undefined) return { outcome };
    const { message, data } = outcome.upstreamError;
    const verdict = box.guards.judge(request, { message, ...(data === undefined ? {} : { data: data as JsonValue }) }, bytes);
    if (!(verdict instanceof Promise)) return failed(request, outcome, verdict);
    return verdict.then((later) => failed(request, outcome, later));
  };
}

function failed(request: DecisionRequest, outcome: Outcome & { type: 'failed' }, verdict: Verdict): GuardedOutcome {
  if (verdict.type === 'pass' || outcome.upstreamError === undefined) return { outcome };
  const { guard, found } = verdict;
  if (verdict.type === 'block') return { outcome: blocked(verdict.message), guarded: { guard, found } };
  const { code } = outcome.upstreamError;
  const message = String(own(verdict.result, 'message') ?? '');
  const data = own(verdict.result, 'data');
  const upstreamError = { code, message, ...(data === undefined ? {} : { data }) };
  return { outcome: { ...outcome, message: `Server "${request.route.server}" answered with an error: ${message}`, upstreamError }, guarded: { guard, found } };
}

const blocked = (message: string): Outcome => ({ type: 'failed', code: 'result_blocked', message, executed: 'maybe' });

function withMeta(result: JsonObject, told: JsonObject): JsonObject {
  const meta = own(result, '_meta');
  return { ...result, _meta: { ...(isJsonObject(meta) ? meta : {}), [META_KEY]: told } };
}

function withNote(result: JsonObject, handle: string | undefined, text: string): JsonObject {
  const content = own(result, 'content');
  const shown = textOfResult(result);
  const from = text.startsWith(shown) ? shown.length : 0;
  const how =
    handle === undefined
      ? 'The rest is too large to be kept: ask the tool for less.'
      : `Read on with the tool signalbox__read_result: ${JSON.stringify({ handle, offset: from })}`;
  const note = `[Signalbox: this result was cut; ${from} of ${text.length} characters are shown. ${how}]`;
  const told = { ...result, content: [...(Array.isArray(content) ? content : []), { type: 'text', text: note }] };
  const meta = own(own(result, '_meta') as JsonObject, META_KEY) as JsonObject;
  return withMeta(told, { ...meta, cut: { total: text.length, shown: from, ...(handle === undefined ? {} : { handle }) } });
}

/** Progress on its way: a message that the guards would change, or have not looked through at once, is left out. */
export function guardedProgress({ guards }: Guarding, request: DecisionRequest, send: (progress: Progress) => void): (progress: Progress) => void {
  return (progress) => {
    const { message, ...bare } = progress;
    if (message === undefined) return send(progress);
    const verdict = guards.judge(request, { message }, Buffer.byteLength(message));
    send(!(verdict instanceof Promise) && verdict.type === 'pass' ? progress : bare);
  };
}
