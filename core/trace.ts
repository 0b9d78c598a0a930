/** The span of one call, as the call path sees it: told what happens. It never throws, and nothing depends on it. */
import type { Decision } from './decision.ts';
import type { Route } from './tool.ts';

export interface CallTrace {
  /** The call's name leads somewhere. */
  resolved(route: Route): void;
  decided(decision: Decision): void;
  /** A record is being made durable. The function ends the span. */
  ledgerWrite(record: 'intent' | 'outcome'): (failed: boolean) => void;
  upstream(route: Route): UpstreamSpan;
  /** Once, after every child. @param outcome type of the outcome */
  end(outcome: string, how: SpanEnd): void;
}

export interface UpstreamSpan {
  /** What the upstream is told: its parent is this span. */
  readonly traceparent: string;
  /** Once. */
  end(how: SpanEnd): void;
}

/** What went wrong, as a class of errors and never in words; neither where nothing did. */
export interface SpanEnd {
  readonly errorType?: string;
  /** Of a JSON-RPC error. */
  readonly rpcCode?: number;
}
