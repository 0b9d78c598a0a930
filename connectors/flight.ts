/**
 * One tool call from the queue to its one answer: deadline, idle time, cancellation, and the few repetitions that are
 * safe. Whatever happens, it ends once and gives its place back.
 */
import type { FaultReason, InvokeResult, Invocation } from '../core/connector.ts';
import type { JsonObject } from '../core/json.ts';
import { own } from '../core/json.ts';
import type { Histogram } from '../core/histogram.ts';
import { mirroredHeaders } from '../core/param-headers.ts';
import type { Connection } from './connection.ts';
import type { Written } from './era/dialect.ts';
import type { Answer, Broken, Outgoing } from './link.ts';
import type { Breaker } from './resilience/breaker.ts';
import type { Timed } from './resilience/deadlines.ts';
import type { Gate, Visitor } from './resilience/gate.ts';
import { notificationText } from './wire/jsonrpc.ts';

export interface FlightHost {
  readonly id: string;
  readonly gate: Gate;
  readonly breaker: Breaker;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxResponseBytes: number;
  readonly retryPauseMs: number;
  readonly queueTimes: Histogram;
  idempotent(tool: string): boolean;
  /** The connection to use now, or in words why there is none. */
  connection(): Connection | { readonly problem: string; readonly retryAfterMs?: number };
  /** Settles once a handshake that is under way has ended. */
  readonly recovering: Promise<unknown> | undefined;
  /** A new session in place of the one of that handshake, unless there is one already. */
  recover(connection: Connection, handshake: number): Promise<unknown>;
  /** The upstream says that our headers do not fit its schema: list again. */
  relist(connection: Connection): Promise<unknown>;
  unreachable(connection: Connection, problem: string): void;
  ended(flight: Flight): void;
}

const NOTHING = (): void => {};

const NO_FIELDS: readonly string[] = [];

/** One time that the call goes out. What an earlier one is answered, after another has begun, is nobody's. */
class Attempt implements Outgoing {
  readonly id: number;
  readonly method = 'tools/call';
  readonly text: string;
  readonly fields: string | undefined;
  readonly maxBytes: number;
  readonly #flight: Flight;

  constructor(id: number, { text, fields }: Written, maxBytes: number, flight: Flight) {
    this.id = id;
    this.text = text;
    this.fields = fields;
    this.maxBytes = maxBytes;
    this.#flight = flight;
  }

  settle(answer: Answer): void {
    this.#flight.settled(this, answer);
  }
}

export class Flight implements Timed, Visitor {
  readonly #host: FlightHost;
  readonly #invocation: Invocation;
  readonly #resolve: (result: InvokeResult) => void;
  #deadlineAt = 0;
  #idleUntil = Infinity;
  #forgetCancel: () => void = NOTHING;
  #queued = false;
  #placed = false;
  #admitted = false;
  #connection: Connection | undefined;
  /** Which of the connection's handshakes this was sent under. */
  #handshake = 0;
  #outgoing: Attempt | undefined;
  /** An attempt went out that may have run. */
  #maybe = false;
  #repeated = false;
  #ended = false;

  constructor(host: FlightHost, invocation: Invocation, resolve: (result: InvokeResult) => void) {
    this.#host = host;
    this.#invocation = invocation;
    this.#resolve = resolve;
  }

  start(): void {
    const { timeoutMs, gate } = this.#host;
    this.#deadlineAt = performance.now() + timeoutMs;
    this.#forgetCancel = this.#invocation.cancellation.onCancel((reason) => this.#stop('cancelled', `the call was cancelled: ${reason}`));
    if (this.#ended) return;
    const taken = gate.take(this);
    if (taken === 'entered') this.enter();
    else if (taken === 'full') this.#fault('overloaded', 'it has too many calls under way and waiting; try again shortly', 'no');
    else this.#queued = true;
  }

  /** The connector is closing: what waits ends at once, what runs may finish unless `force` says otherwise. */
  close(force: boolean): void {
    if (this.#queued || force) this.#stop('unavailable', 'the gateway is stopping or has reloaded this server');
  }

  enter(): void {
    if (this.#queued) this.#host.queueTimes.observe(performance.now() - this.#deadlineAt + this.#host.timeoutMs);
    this.#queued = false;
    this.#placed = true;
    const waitMs = this.#host.breaker.admit();
    if (waitMs > 0) return this.#fault('unavailable', `it has failed repeatedly and is given a rest; try again in ${waitMs} ms`, 'no', waitMs);
    this.#admitted = true;
    this.#send();
  }

  get dueAt(): number {
    return Math.min(this.#deadlineAt, this.#idleUntil);
  }

  expire(): void {
    const { timeoutMs, idleTimeoutMs } = this.#host;
    const silent = this.#idleUntil < this.#deadlineAt;
    this.#stop('timeout', silent ? `it gave no sign for ${idleTimeoutMs} ms (idleTimeoutMs)` : `it did not answer within ${timeoutMs} ms (timeoutMs)`);
  }

  #send(): void {
    const host = this.#host;
    if (host.recovering !== undefined) return this.#sendAfter(host.recovering);
    const connection = host.connection();
    if ('problem' in connection) return this.#fault('unavailable', connection.problem, this.#executed(), connection.retryAfterMs);
    const invocation = this.#invocation;
    const { link, dialect } = connection;
    const id = connection.nextId();
    const wanted = connection.list.paramHeaders.get(invocation.tool);
    let written: Written;
    try {
      written = dialect.writeCall(id, invocation, wanted === undefined ? NO_FIELDS : mirroredHeaders(wanted, invocation.args));
    } catch {
      return this.#fault('protocol', 'its arguments cannot be written as JSON', this.#executed());
    }
    if (invocation.onProgress !== undefined) connection.progress.set(id, (params) => this.#progress(params));
    this.#connection = connection;
    this.#handshake = connection.handshakes;
    connection.users++;
    this.#idleUntil = performance.now() + host.idleTimeoutMs;
    const attempt = new Attempt(id, written, host.maxResponseBytes, this);
    this.#outgoing = attempt;
    link.send(attempt);
  }

  #progress(params: JsonObject): void {
    if (this.#ended) return;
    this.#idleUntil = performance.now() + this.#host.idleTimeoutMs;
    const progress = own(params, 'progress');
    const total = own(params, 'total');
    const message = own(params, 'message');
    if (typeof progress !== 'number') return;
    try {
      this.#invocation.onProgress?.({
        progress,
        ...(typeof total === 'number' ? { total } : {}),
        ...(typeof message === 'string' ? { message } : {}),
      });
    } catch {
      // A listener's fault is not the call's.
    }
  }

  settled(outgoing: Attempt, answer: Answer): void {
    if (this.#outgoing !== outgoing) return;
    const connection = this.#detach();
    if (answer.type === 'result') return this.#finish(answer, true);
    if (answer.type === 'error') return this.#settledError(answer, connection);
    if (answer.sessionLost === true && !this.#repeated) return this.#repeatAfter(this.#host.recover(connection, this.#handshake));
    if (answer.executed === 'maybe') this.#maybe = true;
    if (answer.unreachable === true) this.#host.unreachable(connection, answer.message);
    if (this.#mayRepeat(answer)) return this.#repeatAfter(new Promise((resolve) => setTimeout(resolve, this.#retryPauseMs(answer)).unref()));
    this.#fault(answer.reason, answer.message, this.#executed(), answer.retryAfterMs, healthy(answer));
  }

  #settledError(answer: Answer & { type: 'error' }, connection: Connection): void {
    // Both say that the request was refused before it ran (MCP 2026-07-28, basic/index, Error Codes).
    if (connection.dialect.era === 'modern' && !this.#repeated) {
      if (answer.error.code === -32020) return this.#repeatAfter(this.#host.relist(connection));
      if (answer.error.code === -32022) return this.#repeatAfter(this.#host.recover(connection, this.#handshake));
    }
    this.#finish({ type: 'error', error: answer.error, bytes: answer.bytes }, (answer.status ?? 200) < 500);
  }

  #mayRepeat({ reason, executed, status }: Broken): boolean {
    if (this.#repeated || executed === 'no') return false;
    return (reason === 'lost' || (status ?? 0) >= 500) && this.#host.idempotent(this.#invocation.tool);
  }

  #retryPauseMs({ retryAfterMs }: Broken): number {
    return Math.max(retryAfterMs ?? 0, this.#host.retryPauseMs * (0.5 + Math.random() / 2));
  }

  #repeatAfter(ready: Promise<unknown>): void {
    this.#repeated = true;
    this.#sendAfter(ready);
  }

  #sendAfter(ready: Promise<unknown>): void {
    this.#idleUntil = Infinity;
    const again = (): void => {
      if (!this.#ended) this.#send();
    };
    ready.then(again, again); // Without a connection, `#send` says why.
  }

  /** Ends the call from our side and tells the upstream, if it was ever told of it. */
  #stop(reason: FaultReason, message: string): void {
    if (this.#ended) return;
    const outgoing = this.#outgoing;
    if (outgoing !== undefined) {
      this.#maybe = true;
      const { link, dialect } = this.#detach();
      link.abandon(outgoing);
      // Over modern HTTP the closed stream says it (MCP 2026-07-28, basic/patterns/cancellation).
      if (link.transport !== 'http' || dialect.era === 'legacy')
        link.post(notificationText('notifications/cancelled', { requestId: outgoing.id, reason: reason === 'timeout' ? 'timed out' : 'no longer wanted' }));
    }
    const sent = outgoing !== undefined || this.#maybe;
    this.#fault(reason, message, this.#executed(), undefined, reason === 'timeout' && sent ? false : undefined);
  }

  #detach(): Connection {
    const connection = this.#connection as Connection;
    const id = (this.#outgoing as Attempt).id;
    this.#outgoing = undefined;
    this.#connection = undefined;
    if (this.#invocation.onProgress !== undefined) connection.progress.delete(id);
    connection.users--;
    if (connection.users === 0) connection.idle?.();
    return connection;
  }

  #executed(): 'no' | 'maybe' {
    return this.#maybe ? 'maybe' : 'no';
  }

  #fault(reason: FaultReason, message: string, executed: 'no' | 'maybe', retryAfterMs?: number, sound?: boolean): void {
    const fault: InvokeResult = {
      type: 'fault',
      reason,
      message: `server "${this.#host.id}": ${message}`,
      executed,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
    this.#finish(fault, sound);
  }

  /** `sound`: what the breaker hears; `undefined` where the end says nothing of the upstream. */
  #finish(result: InvokeResult, sound: boolean | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#forgetCancel();
    if (this.#admitted) {
      if (sound === undefined) this.#host.breaker.forget();
      else this.#host.breaker.record(sound);
    }
    if (this.#queued) this.#host.gate.withdraw(this);
    if (this.#placed) this.#host.gate.leave();
    this.#host.ended(this);
    this.#resolve(result);
  }
}

/** Whether an answer that is none speaks for the upstream, against it, or says nothing. */
function healthy({ reason, status }: Broken): boolean | undefined {
  if (reason === 'too-large') return true;
  if (reason === 'overloaded') return undefined;
  if (status !== undefined) return status < 500;
  return false;
}
