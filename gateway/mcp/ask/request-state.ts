/**
 * `requestState` of a call that a person is asked about: sealed, and good for the very call that it was given for. That it
 * is used only once is not seen to here, but by the grant. MCP 2026-07-28, basic/patterns/mrtr, Server Requirements.
 */
import { canonicalJson, own, sha256Hex, type JsonObject } from '../../../core/json.ts';
import type { Principal } from '../../../core/principal.ts';
import type { Sealer } from '../../seal.ts';

/** What a state is bound to; all of it is what the request says of itself, and authentication of its sender. */
export interface BoundCall {
  readonly principal: Principal;
  readonly profile: string | undefined;
  /** As the caller wrote it. */
  readonly name: string;
  readonly args: JsonObject;
}

export type OpenedState =
  | { readonly type: 'good'; readonly approvalId: string }
  | { readonly type: 'bad'; readonly message: string };

/** The method is part of the purpose: a state of another method's is not one of this. */
const PURPOSE = 'request-state tools/call approval';

export const sealState = (sealer: Sealer, approvalId: string, call: BoundCall, expiresAtMs: number): string =>
  sealer.seal(PURPOSE, { approvalId, call: bindingOf(call) }, expiresAtMs);

export function openState(sealer: Sealer, state: unknown, call: BoundCall, nowMs: number): OpenedState {
  const opened = sealer.open(PURPOSE, state, nowMs);
  if (opened.type === 'invalid') return bad('This "requestState" is not one of this server.');
  if (opened.type === 'expired') return bad('The time to decide on this call is over.');
  const approvalId = own(opened.value, 'approvalId');
  if (typeof approvalId !== 'string' || own(opened.value, 'call') !== bindingOf(call)) {
    return bad('This "requestState" belongs to another call: its caller, tool or arguments are not those of this one.');
  }
  return { type: 'good', approvalId };
}

/** One digest over everything, so that the state's length tells nothing and no member can stand for another. */
const bindingOf = ({ principal, profile, name, args }: BoundCall): string =>
  sha256Hex(canonicalJson([principal.tenant, principal.id, profile ?? null, name, args]));

const bad = (message: string): OpenedState => ({ type: 'bad', message: `${message} Call again without "requestState".` });
