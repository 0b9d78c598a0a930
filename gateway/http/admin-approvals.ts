/**
 * The admin routes for approvals. Besides the operator they let in callers whose role approves something, by their own
 * key: to see and decide the requests that are for them, and nothing else.
 */
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { whoMay, whyMayNotDecide, type ApprovalRequest, type ApprovalState, type ApprovalVerdict, type Approver } from '../../core/approval.ts';
import { isJsonObject, own, parseLossless, type JsonValue } from '../../core/json.ts';
import type { Principal } from '../../core/principal.ts';
import type { Settings } from '../../core/settings.ts';
import { OPERATOR_ID, shown, type ApprovalDesk } from '../approvals/index.ts';
import type { Authenticated } from '../auth.ts';
import type { Gate } from './server.ts';

export interface ApprovalRoutesParts {
  readonly gate: () => Gate;
  readonly desk: ApprovalDesk;
}

type Known = Authenticated & { type: 'known' };
type Asked = Request & { authenticated?: Authenticated };

const STATES: readonly ApprovalState[] = ['pending', 'approved', 'denied', 'expired', 'used'];
const MAX_LISTED = 1000;
const MAX_NOTE_CHARS = 2000;
const STATUS = { unknown: 404, forbidden: 403, settled: 409, invalid: 400, unavailable: 503 } as const;

export function approvalRoutes({ gate, desk }: ApprovalRoutesParts): Router {
  const { approvals } = desk;
  const settings = (): Settings => gate().box.settings;
  const router = express.Router();
  router.use(approversOnly(settings));

  router.get('/', (req: Asked, res) => {
    const { state } = req.query;
    if (state !== undefined && !isState(state)) return fail(res, 400, 'invalid_params', `Expected "state" to be one of ${STATES.join(', ')}.`);
    const all = approvals.list({ ...(state === undefined ? {} : { state }), limit: MAX_LISTED }, Date.now());
    res.json({ approvals: all.filter((request) => maySee(known(req), request)).map(shown) });
  });
  router.get('/:id', (req: Asked & Request<{ id: string }>, res) => {
    const request = approvals.find(req.params.id, Date.now());
    if (request === undefined || !maySee(known(req), request)) return fail(res, 404, 'unknown', `There is no approval "${req.params.id.slice(0, 64)}".`);
    res.json({ approval: shown(request) });
  });
  router.post('/:id', express.text({ type: 'application/json', limit: '4mb' }), async (req: Asked & Request<{ id: string }>, res) => {
    const read = readVerdict(req.body);
    if ('problem' in read) return fail(res, 400, 'invalid_params', read.problem);
    const { id } = req.params;
    const request = approvals.find(id, Date.now());
    if (request === undefined || !maySee(known(req), request)) return fail(res, 404, 'unknown', `There is no approval "${id.slice(0, 64)}".`);
    const by = approverOf(known(req), read.as, request, settings());
    if (typeof by === 'string') return fail(res, 400, 'invalid_params', by);
    const decided = await desk.decide(id, read.verdict, by);
    if (decided.type === 'decided') return void res.json({ approval: shown(decided.request) });
    const next = decided.code === 'forbidden' && by.principal.id === OPERATOR_ID ? ' Say which one decides: --as CALLER.' : '';
    fail(res, STATUS[decided.code], decided.code, decided.message + next);
  });
  return router;
}

const known = (req: Asked): Known => req.authenticated as Known;
const isState = (text: unknown): text is ApprovalState => STATES.some((state) => state === text);

const approversOnly =
  (settings: () => Settings): RequestHandler =>
  (req: Asked, res, next) => {
    const { authenticated } = req;
    if (authenticated?.type === 'known' && (authenticated.isOperator || approvesAnything(authenticated.principal, settings()))) return next();
    fail(res, 403, 'denied', 'Approvals are for the operator and for callers with a role that a rule names in "approvers".');
  };

const approvesAnything = ({ roles }: Principal, { rules }: Settings): boolean =>
  rules.some(({ approvers }) => approvers?.some((role) => role !== 'self' && roles.includes(role)) === true);

/** A caller sees what its role may decide, also where that is a call of its own. What it does not see does not exist for it. */
function maySee({ isOperator, principal }: Known, { terms, tenant }: ApprovalRequest): boolean {
  if (isOperator) return true;
  return whyMayNotDecide({ terms, tenant, caller: '' }, { principal, isSelf: false }) === undefined;
}

/** Who decides; in words where nobody does. */
function approverOf({ isOperator, principal }: Known, as: string | undefined, request: ApprovalRequest, { callers }: Settings): Approver | string {
  if (!isOperator) return as === undefined ? { principal, isSelf: false } : 'Only the operator decides as somebody else.';
  if (as === undefined) return { principal: { id: OPERATOR_ID, tenant: request.tenant, roles: [], proof: 'cli' }, isSelf: true, isOperator };
  const caller = callers.find(({ id }) => id === as);
  if (caller === undefined) return `No caller "${as.slice(0, 64)}" is configured; ${whoMay(request.terms.approvers)} may decide this.`;
  const { id, tenant, roles } = caller;
  return { principal: { id, tenant, roles, proof: 'cli' }, isSelf: id === request.caller && tenant === request.tenant, isOperator };
}

type Read = { readonly verdict: ApprovalVerdict; readonly as: string | undefined } | { readonly problem: string };

const MEMBERS = new Set(['verdict', 'note', 'arguments', 'as']);

function readVerdict(body: unknown): Read {
  const value = parse(body);
  if (!isJsonObject(value)) return { problem: 'Expected a JSON object such as {"verdict": "approve"}.' };
  const unknown = Object.keys(value).find((key) => !MEMBERS.has(key));
  if (unknown !== undefined) return { problem: `Expected ${[...MEMBERS].join(', ')}, found "${unknown.slice(0, 64)}".` };
  const as = own(value, 'as');
  if (as !== undefined && typeof as !== 'string') return { problem: 'Expected "as" to be the id of a caller.' };
  const verdict = verdictOf(own(value, 'verdict'), own(value, 'note'), own(value, 'arguments'));
  return typeof verdict === 'string' ? { problem: verdict } : { verdict, as };
}

function verdictOf(type: JsonValue | undefined, note: JsonValue | undefined, args: JsonValue | undefined): ApprovalVerdict | string {
  if (type === 'approve') {
    if (note !== undefined) return '"note" goes with a denial: it is what the caller reads.';
    if (args === undefined) return { type };
    return isJsonObject(args) ? { type, args } : 'Expected "arguments" to be an object.';
  }
  if (type !== 'deny') return 'Expected "verdict" to be "approve" or "deny".';
  if (args !== undefined) return '"arguments" go with an approval.';
  if (note === undefined) return { type };
  return typeof note === 'string' && note.length <= MAX_NOTE_CHARS ? { type, note } : `Expected "note" to be a text of at most ${MAX_NOTE_CHARS} characters.`;
}

/** Numbers stay as they were written: a tool shall get the id that the approver saw. */
function parse(body: unknown): JsonValue | undefined {
  try {
    return typeof body === 'string' ? parseLossless(body) : undefined;
  } catch {
    return undefined;
  }
}

function fail(res: Response, status: number, code: string, message: string): void {
  res.status(status).json({ error: { code, message } });
}

