/** One record of a call as it was decided: what was said then, and what is needed to decide it anew. It decides nothing. */
import type { Effect } from '../../core/decision.ts';
import { isJsonObject, own, type JsonObject } from '../../core/json.ts';
import type { Origin } from '../../core/origin.ts';
import type { Proof } from '../../core/principal.ts';

/** `unknown`: to this caller there is no such tool. */
export interface Told {
  readonly effect: Effect | 'unknown';
  /** Absent where no rule decided. */
  readonly rule?: string;
}

export interface RecordedCall {
  readonly seq: number;
  readonly time: number;
  readonly call: string;
  readonly caller: string;
  readonly tenant: string;
  readonly proof: Proof;
  readonly origin: Origin;
  readonly profile: string | undefined;
  /** As it was asked for. */
  readonly name: string;
  /** `server/tool`; absent where the name led to none. */
  readonly tool: string | undefined;
  /** It read on in the result of this call, and was decided as that one. */
  readonly of: string | undefined;
  /** As redaction left them; absent where none were recorded. */
  readonly args: JsonObject | undefined;
  readonly argsBytes: number | undefined;
  /** The first digits of the hash of the rules that were in force. */
  readonly policy: string;
  /** `undefined` where it was refused before any rule was asked. */
  readonly told: Told | undefined;
  /** It was let through, and went upstream. */
  readonly isMade: boolean;
}

/** Of `{}`, the only arguments that a size alone tells. */
const EMPTY_BYTES = 2;
const EFFECTS: readonly string[] = ['allow', 'ask', 'deny'];

/** @returns undefined for a record that is none of a call's decision */
export function recordedCall(body: JsonObject): RecordedCall | undefined {
  const kind = own(body, 'kind');
  const call = text(body, 'call');
  if ((kind !== 'intent' && kind !== 'refused') || call === undefined) return undefined;
  const argsBytes = own(body, 'argsBytes');
  const recorded = own(body, 'args');
  const none = argsBytes === EMPTY_BYTES ? {} : undefined;
  return {
    seq: Number(own(body, 'seq')),
    time: Number(own(body, 'time')),
    call,
    caller: text(body, 'caller') ?? '',
    tenant: text(body, 'tenant') ?? 'default',
    proof: (text(body, 'proof') ?? 'key') as Proof,
    origin: { face: (text(body, 'face') ?? 'mcp') as Origin['face'], protocolVersion: text(body, 'protocol'), sessionId: text(body, 'session') },
    profile: text(body, 'profile'),
    name: text(body, 'name') ?? '',
    tool: text(body, 'tool'),
    of: text(body, 'of'),
    args: isJsonObject(recorded) ? recorded : none,
    argsBytes: typeof argsBytes === 'number' ? argsBytes : undefined,
    policy: text(body, 'policy') ?? '',
    told: toldBy(body),
    isMade: kind === 'intent',
  };
}

function toldBy(body: JsonObject): Told | undefined {
  const effect = text(body, 'effect');
  const rule = text(body, 'rule');
  if (effect !== undefined && EFFECTS.includes(effect)) return { effect: effect as Effect, ...(rule === undefined ? {} : { rule }) };
  return text(body, 'code') === 'unknown_tool' && text(body, 'tool') === undefined ? { effect: 'unknown' } : undefined;
}

function text(body: JsonObject, name: string): string | undefined {
  const value = own(body, name);
  return typeof value === 'string' ? value : undefined;
}
