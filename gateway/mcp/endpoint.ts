/**
 * The MCP endpoint over HTTP: both eras on one path. Reads the body, tells the era, finds the session, hands the request
 * to its method. What the methods do is `methods.ts`.
 */
import type { IncomingMessage } from 'node:http';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { Origin } from '../../core/origin.ts';
import type { Principal } from '../../core/principal.ts';
import type { Box } from '../box.ts';
import { faultText, logFault } from '../fault-id.ts';
import type { PlainRequest } from '../http/plain/lane.ts';
import type { Reply } from '../http/plain/reply.ts';
import { parseBody } from '../wire/body.ts';
import { readBody } from '../wire/read.ts';
import { takeAnswer } from './ask/client-requests.ts';
import { createBatch } from './batch.ts';
import { checkParamHeaders, classify, one } from './envelope.ts';
import { HttpExchange, sendJson, type Exchange } from './exchange.ts';
import { readMessage, type Message } from './message.ts';
import type { RequestContext, RpcRequest } from './method.ts';
import { methodNotFound, type Methods } from './methods.ts';
import { ASSUMED_VERSION, isLegacyVersion, LATEST_LEGACY, SERVER_INFO, type RequestId } from './protocol.ts';
import { resultText, tableError } from './render.ts';
import type { Session, Sessions } from './sessions.ts';
import { openStream } from './stream.ts';
import { signatureOf } from './subscriptions.ts';

/** A caller who has been let in, at a profile that is there for it. */
export interface Admitted {
  readonly box: Box;
  readonly principal: Principal;
  readonly profile: string | undefined;
  readonly face: Origin['face'];
}

type Incoming = IncomingMessage | PlainRequest;

export interface EndpointParts {
  readonly methods: Methods;
  readonly sessions: Sessions;
  readonly log: Log;
  /** No request is begun any more. */
  readonly isClosing: () => boolean;
}

export interface Endpoint {
  handle(req: Incoming, res: Reply, admitted: Admitted): void;
  /** Keeps long answers alive. */
  beat(): void;
  /** Requests that have not been answered. */
  readonly inFlight: number;
}

/** After this long without an answer a request becomes a stream with comments in it, so that nobody between gives up. */
const QUIET_MS = 15_000;

export const createEndpoint = (parts: EndpointParts): Endpoint => new McpEndpoint(parts);

class McpEndpoint implements Endpoint {
  readonly #methods: Methods;
  readonly #sessions: Sessions;
  readonly #log: Log;
  readonly #isClosing: () => boolean;
  readonly #waiting = new Set<Exchange>();

  constructor({ methods, sessions, log, isClosing }: EndpointParts) {
    this.#isClosing = isClosing;
    this.#methods = methods;
    this.#sessions = sessions;
    this.#log = log;
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  handle(req: Incoming, res: Reply, admitted: Admitted): void {
    switch (req.method) {
      case 'POST':
        return this.#post(req, res, admitted);
      case 'GET':
        return this.#get(req, res, admitted);
      case 'DELETE':
        return this.#delete(req, res, admitted);
      default:
        return notAllowed(res);
    }
  }

  beat(): void {
    const quietSince = Date.now() - QUIET_MS;
    for (const exchange of this.#waiting) if (exchange.startedAt < quietSince) exchange.beat();
  }

  #post(req: Incoming, res: Reply, admitted: Admitted): void {
    if (!isJson(req.headers['content-type'])) return fail(res, 415, 'invalid_request', 'Expected "Content-Type: application/json".');
    const { maxBodyBytes } = admitted.box.settings.listen;
    readBody(req, maxBodyBytes, (body) => {
      if (body !== 'too-large') return this.#guarded(res, () => this.#received(body, req, res, admitted));
      res.setHeader('connection', 'close');
      fail(res, 413, 'body_too_large', `The body is larger than ${maxBodyBytes} bytes.`);
    });
  }

  /** A fault while a request is taken apart ends that request alone. */
  #guarded(res: Reply, work: () => void | Promise<void>): void {
    const fault = (error: unknown): void => {
      const id = logFault(this.#log, error, 'fault at the endpoint');
      if (res.headersSent) res.destroy();
      else fail(res, 500, 'internal', faultText(id));
    };
    try {
      const working = work();
      if (working !== undefined) working.catch(fault);
    } catch (error) {
      fault(error);
    }
  }

  #received(body: Buffer, req: Incoming, res: Reply, admitted: Admitted): void | Promise<void> {
    const parsed = parseBody(body, admitted.box.settings.listen.maxDepth);
    if (parsed.type === 'malformed') return fail(res, 400, 'parse_error', parsed.message);
    if (parsed.type === 'refused') return fail(res, 400, 'invalid_request', parsed.message);
    if (Array.isArray(parsed.value)) return this.#postBatch(req, res, admitted, parsed.value);
    return this.#dispatch(readMessage(parsed.value), req, admitted, (headers) => new HttpExchange(req, res, headers), res);
  }

  /** Batches exist in 2025-03-26 alone (2025-06-18 took them out), and no modern request may hide in one. */
  async #postBatch(req: Incoming, res: Reply, admitted: Admitted, items: JsonValue[]): Promise<void> {
    const version = this.#sessionOf(req, admitted)?.protocolVersion ?? one(req.headers['mcp-protocol-version']) ?? ASSUMED_VERSION;
    const batch = createBatch(items, res);
    if (version !== '2025-03-26' || batch === undefined) {
      return fail(res, 400, 'invalid_request', 'Batches are not part of this protocol version; send one message in each request.');
    }
    for (const item of batch.items) await this.#dispatch(readMessage(item), req, admitted, batch.exchange, undefined);
    batch.close();
  }

  #dispatch(
    message: Message,
    req: Incoming,
    admitted: Admitted,
    exchangeWith: (headers?: Readonly<Record<string, string>>) => Exchange,
    res: Reply | undefined,
  ): void | Promise<void> {
    if (message.type === 'invalid') {
      return exchangeWith().answer(tableError(message.id, 'invalid_request', message.message), 400);
    }
    if (message.type === 'response') return this.#response(message, req, admitted, res);
    const isRequest = message.type === 'request';
    const classified = classify(message.method, message.params, req.headers, isRequest);
    if (classified.era === 'rejected') {
      const { code, message: words, data } = classified;
      return exchangeWith().answer(tableError(isRequest ? message.id : null, code, words, data), ERRORS[code].http);
    }
    const { box, principal, profile, face } = admitted;
    const traceparent = one(req.headers['traceparent']);
    if (classified.era === 'modern') {
      if (!isRequest) return accepted(res);
      const { protocolVersion, clientInfo, clientCapabilities } = classified;
      const exchange = exchangeWith();
      return this.#modernRequest(message, req, {
        box,
        principal,
        profile,
        face,
        era: 'modern',
        protocolVersion,
        session: undefined,
        clientInfo,
        clientCapabilities,
        traceparent,
        headers: req.headers,
        exchange,
      });
    }
    const session = this.#sessionOf(req, admitted);
    if (session === undefined && req.headers['mcp-session-id'] !== undefined) {
      return exchangeWith().answer(tableError(isRequest ? message.id : null, 'unknown_session', 'This session does not exist.'), 404);
    }
    if (!isRequest) {
      if (session !== undefined && message.method === 'notifications/cancelled') cancel(session, message.params);
      return accepted(res);
    }
    if (message.method === 'initialize') return this.#initialize(message, admitted, exchangeWith);
    const protocolVersion = session?.protocolVersion ?? one(req.headers['mcp-protocol-version']) ?? ASSUMED_VERSION;
    return this.#run(this.#methods.legacy, message, {
      box,
      principal,
      profile,
      face,
      era: 'legacy',
      protocolVersion,
      session,
      clientInfo: session?.clientInfo,
      clientCapabilities: session?.clientCapabilities,
      traceparent,
      headers: req.headers,
      exchange: exchangeWith(),
    });
  }

  /** A client's answer to a request of ours (2025): only in the session that was asked does it mean anything. */
  #response({ id, body }: Message & { type: 'response' }, req: Incoming, admitted: Admitted, res: Reply | undefined): void {
    const session = this.#sessionOf(req, admitted);
    if (session !== undefined) takeAnswer(session, id, body);
    else if (req.headers['mcp-session-id'] !== undefined && res !== undefined) return fail(res, 404, 'unknown_session', 'This session does not exist.');
    accepted(res);
  }

  #modernRequest(message: RpcRequest, req: Incoming, context: RequestContext): Promise<void> | void {
    // `signalbox stdio` hands on what came without headers: stdio has none.
    if (message.method === 'tools/call' && context.face !== 'stdio') {
      const route = context.box.view(context.principal, context.profile)?.routes.get(String(own(message.params, 'name')));
      const args = own(message.params, 'arguments');
      if (route !== undefined && route.paramHeaders.length > 0) {
        const mismatch = checkParamHeaders(route.paramHeaders, isJsonObject(args) ? args : {}, req.headers);
        if (mismatch !== undefined) return context.exchange.answer(tableError(message.id, 'header_mismatch', mismatch), 400);
      }
    }
    return this.#run(this.#methods.modern, message, context);
  }

  #run(table: Methods['legacy'], message: RpcRequest, context: RequestContext): void | Promise<void> {
    const method = table.get(message.method);
    const { exchange, era } = context;
    // Only 2026 says 404; in 2025 the status speaks of the transport (2025-11-25, basic/transports).
    if (method === undefined) return exchange.answer(methodNotFound(message.id, message.method), era === 'modern' ? 404 : 200);
    const fault = (error: unknown): void => {
      const id = logFault(this.#log, error, 'fault while answering', { method: message.method, request: message.id });
      exchange.answer(tableError(message.id, 'internal', faultText(id)), 500);
    };
    // Here, where a request begins to count as under way: once none is, none can come any more on connections that are still open.
    if (this.#isClosing()) return exchange.answer(tableError(message.id, 'shutting_down', 'The gateway is stopping.'), ERRORS.shutting_down.http);
    this.#waiting.add(exchange);
    const over = (): void => void this.#waiting.delete(exchange);
    try {
      const answered = method(message, context);
      if (answered !== undefined) {
        return answered.then(over, (error: unknown) => {
          fault(error);
          over();
        });
      }
    } catch (error) {
      fault(error);
    }
    over();
  }

  #initialize(
    { id, params }: RpcRequest,
    { principal, profile, box }: Admitted,
    exchangeWith: (headers?: Readonly<Record<string, string>>) => Exchange,
  ): void {
    const wanted = own(params, 'protocolVersion');
    const info = own(params, 'clientInfo');
    const capabilities = own(params, 'capabilities');
    const protocolVersion = typeof wanted === 'string' && isLegacyVersion(wanted) ? wanted : LATEST_LEGACY;
    const session = this.#sessions.open({
      principal,
      profile,
      protocolVersion,
      clientInfo: isJsonObject(info) ? info : undefined,
      clientCapabilities: isJsonObject(capabilities) ? capabilities : undefined,
    });
    if (box.isSettled()) session.toldSignature = signatureOf(box, principal, profile);
    exchangeWith({ 'mcp-session-id': session.id }).answer(
      resultText(id, { protocolVersion, capabilities: { tools: { listChanged: true } }, serverInfo: SERVER_INFO }),
    );
  }

  #sessionOf(req: Incoming, { principal, profile }: Admitted): Session | undefined {
    const id = one(req.headers['mcp-session-id']);
    return id === undefined ? undefined : this.#sessions.find(id, principal, profile);
  }

  #get(req: Incoming, res: Reply, admitted: Admitted): void {
    if (req.headers['mcp-session-id'] === undefined) return notAllowed(res);
    if (!(req.headers.accept?.includes('text/event-stream') ?? false)) {
      return fail(res, 406, 'invalid_request', 'Expected "Accept: text/event-stream".');
    }
    const session = this.#sessionOf(req, admitted);
    if (session === undefined) return fail(res, 404, 'unknown_session', 'This session does not exist.');
    const stream = openStream(res);
    session.streams.add(stream);
    res.once('close', () => session.streams.delete(stream));
  }

  #delete(req: Incoming, res: Reply, admitted: Admitted): void {
    if (req.headers['mcp-session-id'] === undefined) return notAllowed(res);
    const session = this.#sessionOf(req, admitted);
    if (session === undefined) return fail(res, 404, 'unknown_session', 'This session does not exist.');
    this.#sessions.close(session);
    res.writeHead(204).end();
  }
}

function cancel(session: Session, params: JsonObject): void {
  const id = own(params, 'requestId');
  const reason = own(params, 'reason');
  session.inFlight.get(id as RequestId)?.cancel(typeof reason === 'string' ? reason.slice(0, 200) : 'The client cancelled the call.');
}

function accepted(res: Reply | undefined): void {
  res?.writeHead(202).end();
}

function notAllowed(res: Reply): void {
  res.setHeader('allow', 'GET, POST, DELETE');
  fail(res, 405, 'invalid_request', 'Without a session only POST is allowed here.');
}

export function fail(res: Reply, status: number, code: ErrorCode, message: string): void {
  sendJson(res, status, tableError(null, code, message));
}

const isJson = (type: string | undefined): boolean => type !== undefined && /^application\/json\s*(?:;|$)/i.test(type);
