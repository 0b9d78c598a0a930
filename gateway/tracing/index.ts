export { checkedTracestate, parseTraceparent } from './context.ts';
export { endOfCall, endOfInvocation } from './ends.ts';
export { createTracing, type Tracer, type Tracing, type TracingStatus } from './tracing.ts';
