/** The span of one call, as the call path sees it: told what happens. It never throws, and nothing depends on it. */
import type { Outcome } from './call.ts';
import type { InvokeResult } from './connector.ts';
import type { Decision } from './decision.ts';
import type { Route } from './tool.ts';

export interface CallTrace {
  /** The call's name leads somewhere. */
  resolved(route: Route): void;
  decided(decision: Decision): void;
  /** A record is being made durable. The function ends the span. */
  ledgerWrite(record: 'intent' | 'outcome'): (failed: boolean) => void;
  upstream(route: Route): UpstreamSpan;
  /** Once, after every child. */
  end(outcome: Outcome): void;
}

export interface UpstreamSpan {
  /** What the upstream is told: its parent is this span. */
  readonly traceparent: string;
  /** Once; without a result where the connector itself failed. */
  end(result: InvokeResult | undefined): void;
}
