/**
 * What a condition sees: the call's facts as CEL values.
 * Only own properties of a peer's objects become visible; judging them is the condition's business.
 */
import type { DecisionRequest } from '../../core/decision.ts';
import type { JsonValue } from '../../core/json.ts';

/** Classes, since cel-js recognises a registered type by its constructor: fields are then checked when rules load. */
export class CallerView {
  readonly id: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly proof: string;
  constructor({ principal }: DecisionRequest) {
    this.id = principal.id;
    this.tenant = principal.tenant;
    this.roles = principal.roles;
    this.proof = principal.proof;
  }
}

export class ToolView {
  readonly name: string;
  readonly server: string;
  readonly ref: string;
  readonly labels: readonly string[];
  constructor({ route }: DecisionRequest) {
    this.name = route.tool;
    this.server = route.server;
    this.ref = route.ref;
    this.labels = route.labels ?? NO_LABELS;
  }
}

/** What happened before this call in the same session or run. */
export class FlowView {
  readonly seen: readonly string[];
  constructor(seen: readonly string[]) {
    this.seen = seen;
  }
}

const NO_LABELS: readonly string[] = [];
const NOTHING_SEEN = new FlowView(NO_LABELS);

export const flowOf = ({ seen }: DecisionRequest): FlowView => (seen === undefined ? NOTHING_SEEN : new FlowView(seen));

export class CallView {
  readonly face: string;
  /** Empty where there is none, as an unset string field is in CEL. */
  readonly profile: string;
  readonly protocolVersion: string;
  readonly now: Date;
  constructor({ origin, profile }: DecisionRequest, nowMs: number) {
    this.face = origin.face;
    this.profile = profile ?? '';
    this.protocolVersion = origin.protocolVersion ?? '';
    this.now = new Date(nowMs);
  }
}

export interface ArgumentsView {
  readonly value: unknown;
  /** Values of any kind inside, containers included. */
  readonly nodes: number;
  /** UTF-16 code units of all strings and keys. */
  readonly chars: number;
}

/** Containers nested deeper than this are converted; see `convert`. */
const PLAIN_DEPTH = 3;

/** The arguments themselves where cel-js reads them rightly, else a copy in which it does. Linear in their size. */
export function viewArguments(args: JsonValue): ArgumentsView {
  const seen = { nodes: 0, chars: 0, plain: true };
  const measure = (value: JsonValue, depth: number): void => {
    seen.nodes += 1;
    if (typeof value === 'string') seen.chars += value.length;
    if (typeof value !== 'object' || value === null) return;
    if (depth > PLAIN_DEPTH || JSON.isRawJSON(value)) seen.plain = false;
    if (Array.isArray(value)) {
      for (const item of value) measure(item, depth + 1);
      return;
    }
    for (const key of Object.keys(value)) {
      seen.chars += key.length;
      if (key === 'constructor') seen.plain = false;
      measure(value[key] as JsonValue, depth + 1);
    }
  };
  measure(args, 1);
  return { value: seen.plain ? args : convert(args), nodes: seen.nodes, chars: seen.chars };
}

const noEntries = (): IterableIterator<[string, unknown]> => new Map<string, unknown>().entries();

/**
 * cel-js reads a value's type from its `constructor` member, which a peer may set, and derives (and keeps for ever) a
 * type from the first entry of each nested map, so that deep arguments of ever new shapes would fill the memory. A
 * `Map` has neither weakness once its `entries` yields nothing: lookups, `in`, size, macros and equality use other members.
 */
export function convert(value: JsonValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (JSON.isRawJSON(value)) return exactNumber((value as unknown as { rawJSON: string }).rawJSON);
  if (Array.isArray(value)) return value.map(convert);
  const map = new Map<string, unknown>();
  for (const key of Object.keys(value)) map.set(key, convert(value[key] as JsonValue));
  Object.defineProperty(map, 'entries', { value: noEntries });
  return map;
}

const INTEGER = /^-?\d{1,19}$/;

/** An integer that a double cannot hold stays exact where CEL's `int` (64 bits) can; anything else is the nearest double. */
function exactNumber(text: string): number | bigint {
  const double = Number(text);
  if (!INTEGER.test(text) || Number.isSafeInteger(double)) return double;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? integer : double;
}
