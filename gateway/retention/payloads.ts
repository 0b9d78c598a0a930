/**
 * What `payloads: full` writes beside the redacted arguments: exact arguments and results, under the key of the caller's
 * tenant. The gateway's own secrets are taken out before; all else is kept. Opening one is the desk's.
 */
import type { ToolCall } from '../../core/call.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { KnownSecrets } from '../../policies/index.ts';
import { sealPayload, type SealedPayload, type TenantKeys } from '../../store/index.ts';
import { hideIn } from '../known-secrets.ts';

/** Members for records, written out. */
export interface PayloadWriter {
  /** @throws Error where the tenant has no key and none can be made: the call is refused then */
  arguments(call: ToolCall): string;
  /** Never throws: the call has happened, and its end is recorded with or without. */
  result(call: ToolCall, outcome: Outcome): string;
}

export interface PayloadWriterParts {
  /** Opened when it is first needed. */
  readonly keys: () => TenantKeys;
  readonly known: KnownSecrets;
  readonly log: Log;
}

export function createPayloadWriter({ keys, known, log }: PayloadWriterParts): PayloadWriter {
  function seal(kind: 'intent' | 'outcome', { id, principal: { tenant } }: ToolCall, value: JsonValue): SealedPayload {
    const key = keys().sealing(tenant, Date.now());
    return sealPayload(key, { kind, call: id, tenant }, JSON.stringify(hideIn(value, known)));
  }

  return {
    arguments: (call) => written(seal('intent', call, call.args)),
    result(call, outcome) {
      const value = resultOf(outcome);
      if (value === undefined) return '';
      try {
        return written(seal('outcome', call, value));
      } catch (error) {
        log.error({ call: call.id, error: String(error) }, 'the result of a call could not be encrypted, so its record is without it');
        return ',"payload":{"lost":"it could not be encrypted"}';
      }
    },
  };
}

const written = (payload: SealedPayload): string => `,"payload":${JSON.stringify(payload)}`;

/** What the caller gets, as data. */
function resultOf(outcome: Outcome): JsonObject | undefined {
  switch (outcome.type) {
    case 'completed':
      return outcome.result;
    case 'failed':
      return { error: outcome.message, ...(outcome.upstreamError === undefined ? {} : { upstreamError: { ...outcome.upstreamError } as JsonObject }) };
    default:
      return undefined;
  }
}
