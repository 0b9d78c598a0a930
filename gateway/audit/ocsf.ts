/**
 * A call as an event of the Open Cybersecurity Schema Framework 1.6.0: API Activity (class 6003), with the profile
 * `security_control` for what was decided. What is no call has no event here.
 */
import type { StoredRecord } from '../../core/audit.ts';
import { own, type JsonObject } from '../../core/json.ts';
import type { SearchEntry } from '../../store/index.ts';
import { VERSION } from '../version.ts';

const CATEGORY = 6;
const CLASS = 6003;
/** `Other`: what a tool does to what it works on, nobody knows but the tool. */
const ACTIVITY = 99;
const SEVERITY = { info: [1, 'Informational'], low: [2, 'Low'], medium: [3, 'Medium'] } as const;
const STATUS = { unknown: [0, 'Unknown'], success: [1, 'Success'], failure: [2, 'Failure'], other: [99, 'Other'] } as const;

export const isCall = ({ call, outcome }: SearchEntry): boolean => call !== undefined && outcome !== undefined;

export function ocsfEvent(entry: SearchEntry, record: StoredRecord, body: JsonObject): object {
  const { caller, call, tool, session, rule, approval, trace, durationMs } = entry;
  const operation = tool ?? entry.name ?? entry.kind;
  const [severityId, severity] = SEVERITY[severityOf(entry)];
  const [statusId, status] = STATUS[statusOf(entry)];
  const wasRefused = entry.outcome === 'refused';
  const server = tool?.slice(0, tool.indexOf('/'));
  return present({
    activity_id: ACTIVITY,
    activity_name: 'Call tool',
    category_uid: CATEGORY,
    category_name: 'Application Activity',
    class_uid: CLASS,
    class_name: 'API Activity',
    type_uid: CLASS * 100 + ACTIVITY,
    type_name: 'API Activity: Other',
    time: entry.time,
    duration: durationMs === undefined ? undefined : Math.round(durationMs),
    severity_id: severityId,
    severity,
    status_id: statusId,
    status,
    status_code: entry.code,
    status_detail: entry.isError === true ? 'completed, with an error of the tool' : entry.outcome,
    message: `${caller ?? 'somebody'} called ${operation}: ${entry.outcome}${entry.code === undefined ? '' : ` (${entry.code})`}`,
    // Waiting for a person is neither.
    ...(entry.outcome === 'waiting' ? { action_id: 0, action: 'Unknown' } : { action_id: wasRefused ? 2 : 1, action: wasRefused ? 'Denied' : 'Allowed', disposition_id: wasRefused ? 2 : 1 }),
    policy: rule === undefined ? undefined : present({ name: rule, uid: own(body, 'policy') }),
    actor: caller === undefined ? { app_name: 'signalbox' } : present({ user: present({ uid: caller, name: caller, domain: entry.tenant }), session: session === undefined ? undefined : { uid: session } }),
    api: present({
      operation,
      service: server === undefined ? undefined : { name: server },
      request: present({ uid: call, data: own(body, 'args') }),
      response: entry.code === undefined ? undefined : { error: entry.code },
    }),
    src_endpoint: { name: own(body, 'face') ?? 'unknown' },
    dst_endpoint: server === undefined ? undefined : { svc_name: server },
    metadata: present({
      version: '1.6.0',
      product: { name: 'Signalbox', vendor_name: 'Signalbox', version: VERSION },
      profiles: ['security_control'],
      uid: record.hash,
      sequence: entry.seq,
      correlation_uid: trace ?? session ?? call,
      event_code: entry.kind,
      log_name: 'ledger',
      tenant_uid: entry.tenant,
    }),
    unmapped: present({
      decision: entry.decision, outcome: entry.outcome, is_error: entry.isError, end_sequence: entry.end, approval, trace,
      proof: own(body, 'proof'), proof_id: own(body, 'proofId'), fingerprint: own(body, 'fingerprint'), profile: own(body, 'profile'), name: own(body, 'name'),
    }),
  });
}

function severityOf({ outcome, decision, isError }: SearchEntry): keyof typeof SEVERITY {
  if (outcome === 'unknown' || (outcome === 'refused' && decision === 'deny')) return 'medium';
  return outcome === 'completed' && isError !== true ? 'info' : 'low';
}

function statusOf({ outcome, isError }: SearchEntry): keyof typeof STATUS {
  switch (outcome) {
    case 'completed':
      return isError === true ? 'failure' : 'success';
    case 'failed':
    case 'refused':
      return 'failure';
    case 'waiting':
    case 'open':
      return 'other';
    default:
      return 'unknown';
  }
}

const present = (members: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
