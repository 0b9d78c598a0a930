/** Before the call: may it happen, and which rule said so. */
import type { JsonObject } from './json.ts';
import type { Origin } from './origin.ts';
import type { Principal } from './principal.ts';
import type { Route } from './tool.ts';

export type Effect = 'allow' | 'ask' | 'deny';

/** What an `ask` rule demands. */
export interface AskTerms {
  /** `self`, or roles: any of them. */
  readonly approvers: readonly string[];
  readonly expiresInMs: number;
  readonly remember: 'once' | 'session' | 'until';
  /** With `until`. */
  readonly rememberForMs?: number;
}

/** What a rule in shadow would have decided. */
export interface ShadowDecision {
  readonly rule: string;
  readonly effect: Effect;
}

export interface Decision {
  readonly effect: Effect;
  /** Id of the rule that decided; absent where no rule matched, or there are none. */
  readonly rule?: string;
  /** In words, fit for the caller to read. Never holds argument values. */
  readonly reason: string;
  /** Hash of the rules that were in force. */
  readonly policyHash: string;
  /** With `ask`. */
  readonly ask?: AskTerms;
  /** Shadow rules that matched (or failed: then as `deny`); absent where none did. */
  readonly shadow?: readonly ShadowDecision[];
}

export interface DecisionRequest {
  readonly principal: Principal;
  readonly route: Route;
  readonly args: JsonObject;
  readonly origin: Origin;
  readonly profile: string | undefined;
  /** Labels that the session or run has touched before this call; absent where nothing is labelled. */
  readonly seen?: readonly string[];
}

/** Why one rule did or did not decide: for `explain`. */
export interface RuleTrace {
  readonly rule: string;
  readonly effect: Effect;
  readonly matched: boolean;
  readonly why: string;
  /** It only records what it would have done. */
  readonly shadow?: boolean;
}

/** The compiled rules of one configuration: immutable, pure, and never throwing (an error in a rule is a denial). */
export interface Rules {
  /** SHA-256 (hex) over the canonical JSON of the rules. */
  readonly hash: string;
  readonly count: number;
  /** deny > ask > allow; no match denies where there is any rule; no rules at all allow. */
  decide(request: DecisionRequest): Decision;
  /**
   * Whether any arguments could be allowed, now or after asking. A tool for which this is false is not shown: it does
   * not exist for the caller.
   */
  mayAllow(request: Pick<DecisionRequest, 'principal' | 'route' | 'profile'>): boolean;
  /** The same decision, with what every rule said. */
  explain(request: DecisionRequest): { decision: Decision; trace: RuleTrace[] };
}
