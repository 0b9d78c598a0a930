/**
 * Metrics and the admin API, on Express. Admin routes are for whoever holds the operator's token; the commands on
 * this machine use them.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ledger } from '../../core/audit.ts';
import type { ConnectorStatus } from '../../core/connector.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { KeyStore } from '../../store/index.ts';
import type { ApprovalDesk } from '../approvals/index.ts';
import type { SearchKeeper } from '../audit/index.ts';
import type { Authenticated } from '../auth.ts';
import { explainCall } from '../explain.ts';
import { faultText, logFault } from '../fault-id.ts';
import type { Leases } from '../leases.ts';
import type { Sessions } from '../mcp/sessions.ts';
import type { Subscriptions } from '../mcp/subscriptions.ts';
import type { Counters } from '../metrics.ts';
import type { Pins } from '../pins/index.ts';
import type { RetentionDesk } from '../retention/index.ts';
import type { RegisterKeeper } from '../register/index.ts';
import type { Reloads } from '../reloads.ts';
import type { Servers } from '../servers.ts';
import { statusReport } from '../status.ts';
import type { Tracing } from '../tracing/index.ts';
import { approvalRoutes } from './admin-approvals.ts';
import { auditRoutes } from './admin-audit.ts';
import { pinsRoutes } from './admin-pins.ts';
import { retentionRoutes } from './admin-retention.ts';
import { createMetricsText } from './metrics-text.ts';
import type { Gate } from './server.ts';

export interface AdminParts {
  readonly gate: () => Gate;
  readonly desk: ApprovalDesk;
  readonly connectors: () => ConnectorStatus[];
  readonly pins: Pins;
  readonly search: SearchKeeper;
  readonly ledger: Ledger;
  readonly register: Pick<RegisterKeeper, 'status'>;
  readonly retention: RetentionDesk;
  readonly keys: KeyStore;
  readonly counters: Counters;
  readonly sessions: Sessions;
  readonly subscriptions: Subscriptions;
  readonly leases: Leases;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly queueTimes: Servers['queueTimes'];
  readonly tracing: Pick<Tracing, 'status'>;
  readonly reloads: Reloads;
  readonly reload: (() => { readonly ok: boolean; readonly message: string }) | undefined;
  readonly isClosing: () => boolean;
}

type Asked = Request & { authenticated?: Authenticated };

export function createAdmin(parts: AdminParts): (authenticated: Authenticated) => (req: IncomingMessage, res: ServerResponse) => void {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  const metrics = createMetricsText(parts);
  app.get('/metrics', metricsAllowed(parts), (_req, res, next) => {
    metrics().then(({ type, text }) => res.type(type).send(text), next);
  });
  app.use('/admin/approvals', approvalRoutes(parts));
  const admin = express.Router();
  admin.use(operatorOnly, express.json({ limit: '4mb', strict: true }));
  adminRoutes(admin, parts);
  app.use('/admin', admin);
  app.use((_req, res) => void res.status(404).json(problem('not_found', 'There is nothing at this address. MCP is served at /mcp.')));
  app.use(onError(parts.log));
  return (authenticated) => (req, res) => {
    (req as Asked).authenticated = authenticated;
    app(req as Request, res as Response);
  };
}

function adminRoutes(admin: express.Router, parts: AdminParts): void {
  admin.get('/status', (_req, res) => void res.json(statusReport(parts)));
  admin.get('/lease', (req: Asked, res) => parts.leases.take(res, req.authenticated?.type === 'known' && req.authenticated.face === 'cli'));
  admin.post('/explain', (req, res) => {
    const { name, args, as, profile, seen } = (req.body ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || !isJsonObject(args ?? {})) {
      return void res.status(400).json(problem('invalid_params', 'Expected {"name": string, "args": object}.'));
    }
    const explained = explainCall(parts.gate().box, {
      name,
      args: (args ?? {}) as JsonObject,
      as: typeof as === 'string' ? as : undefined,
      profile: typeof profile === 'string' ? profile : undefined,
      ...(Array.isArray(seen) ? { seen: seen.map(String) } : {}),
    });
    res.json(explained);
  });
  admin.post('/reload', (_req, res) => {
    const done = parts.reload?.() ?? { ok: false, message: 'This gateway was started without a configuration file.' };
    res.status(done.ok ? 200 : 422).json(done);
  });
  pinsRoutes(admin, parts);
  auditRoutes(admin, parts.search);
  retentionRoutes(admin, parts);
  admin.get('/keys', (_req, res) => void res.json({ keys: parts.keys.list() }));
  admin.post('/keys', (req, res) => {
    const caller = (req.body as { caller?: unknown } | undefined)?.caller;
    const known = parts.gate().box.settings.callers.some(({ id }) => id === caller);
    if (typeof caller !== 'string' || !known) {
      return void res.status(400).json(problem('invalid_params', 'Expected "caller" to be the id of a configured caller.'));
    }
    const made = parts.keys.create(caller);
    parts.ledger.writeSoon({ kind: 'keys', time: Date.now(), action: 'create', key: made.id, caller });
    res.status(201).json(made);
  });
  admin.delete('/keys/:id', (req, res) => {
    const { id } = req.params;
    const revoked = parts.keys.revoke(id);
    if (revoked) parts.ledger.writeSoon({ kind: 'keys', time: Date.now(), action: 'revoke', key: id });
    res.status(revoked ? 200 : 404).json({ revoked });
  });
}

const problem = (code: string, message: string) => ({ error: { code, message } });

const operatorOnly: RequestHandler = (req: Asked, res, next) => {
  if (req.authenticated?.type === 'known' && req.authenticated.isOperator) return next();
  res.status(403).json(problem('denied', 'The admin API is for the operator: send the token of gateway.json in the data directory.'));
};

/** Open where everybody is; else for the operator and for callers with the role `metrics`. */
const metricsAllowed =
  (parts: AdminParts): RequestHandler =>
  (req: Asked, res, next) => {
    const { authenticated } = req;
    const open = parts.gate().box.settings.callers.length === 0;
    const allowed = authenticated?.type === 'known' && (open || authenticated.isOperator || authenticated.principal.roles.includes('metrics'));
    if (allowed) return next();
    res.status(403).json(problem('denied', 'Metrics are for the operator and for callers with the role "metrics".'));
  };

const onError =
  (log: Log): ErrorRequestHandler =>
  (error: { status?: number; message?: string }, req, res, next) => {
    if (res.headersSent) return next(error);
    const status = error.status !== undefined && error.status < 500 ? error.status : 500;
    const message = status === 500 ? faultText(logFault(log, error, 'fault on the admin side', { method: req.method, path: req.path })) : String(error.message);
    res.status(status).json(problem(status === 500 ? 'internal' : 'invalid_request', message));
  };
