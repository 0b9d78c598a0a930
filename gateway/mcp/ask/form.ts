/**
 * A request for approval as a form for the person at the client (MCP elicitation, form mode), and what came back as a
 * verdict. Nothing is taken for a yes but the word itself. It decides nothing.
 */
import { Buffer } from 'node:buffer';
import type { ApprovalRequest, ApprovalVerdict } from '../../../core/approval.ts';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../../core/json.ts';
import { printable } from '../../../core/text.ts';
import { parseBody } from '../../wire/body.ts';

export type FormAnswer =
  | { readonly type: 'decided'; readonly verdict: ApprovalVerdict }
  /** Neither yes nor no: the person closed it. */
  | { readonly type: 'dismissed' }
  /** Filled in wrongly; `message` says what is wrong, for asking again. */
  | { readonly type: 'unclear'; readonly message: string }
  /** Not what a client may answer at all. */
  | { readonly type: 'invalid'; readonly message: string };

/** Arguments beyond this are cut in the form, which says so and how to see more of them. */
const MAX_ARGUMENTS_CHARS = 8000;
const MAX_NOTE_CHARS = 1000;

/** What a client shows, besides the request's own words; flat, primitive, and without defaults that might decide. */
const SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    decision: { type: 'string', title: 'Decision', description: 'Whether this call may be made.', enum: ['approve', 'deny'] },
    note: { type: 'string', title: 'Note', description: 'Why not, where you deny: the model may read it.', maxLength: MAX_NOTE_CHARS },
    arguments: { type: 'string', title: 'Other arguments', description: 'A JSON object to call with instead; leave it empty to approve the arguments above.' },
  },
  required: ['decision'],
};

/** @param problem what was wrong with the answer before, where this one asks again */
export function approvalForm(request: ApprovalRequest, problem?: string): JsonObject {
  return { message: messageOf(request, problem), requestedSchema: SCHEMA };
}

/** One fact a line. Names and arguments are other people's words: none of them can begin a line, or hide in one. */
function messageOf({ id, caller, tool, args, rule, reason, expiresAt }: ApprovalRequest, problem: string | undefined): string {
  return [
    ...(problem === undefined ? [] : [`Not taken: ${printable(problem)}`]),
    'Signalbox holds a call until you decide.',
    `Tool: ${printable(tool)}`,
    `Arguments: ${argumentsText(id, args)}`,
    `Caller: ${printable(caller)}`,
    `Rule: ${printable(rule)}`,
    `Why: ${printable(reason)}`,
    `Until: ${new Date(expiresAt).toISOString()}`,
    `Approval: ${id}`,
  ].join('\n');
}

function argumentsText(id: string, args: JsonObject): string {
  const text = printable(JSON.stringify(args));
  if (text.length <= MAX_ARGUMENTS_CHARS) return text;
  return `${text.slice(0, MAX_ARGUMENTS_CHARS)} [cut: ${text.length - MAX_ARGUMENTS_CHARS} of ${text.length} characters are not shown; "signalbox approvals show ${id}" shows more]`;
}

/** @param maxDepth of edited arguments, as of every body */
export function readForm(answer: JsonValue, maxDepth: number): FormAnswer {
  const action = isJsonObject(answer) ? own(answer, 'action') : undefined;
  switch (action) {
    case 'accept':
      return readContent(own(answer as JsonObject, 'content'), maxDepth);
    case 'decline':
      return { type: 'decided', verdict: { type: 'deny' } };
    case 'cancel':
      return { type: 'dismissed' };
    default:
      return { type: 'invalid', message: 'Expected "action" to be "accept", "decline" or "cancel".' };
  }
}

function readContent(content: JsonValue | undefined, maxDepth: number): FormAnswer {
  const fields = isJsonObject(content) ? content : undefined;
  const decision = own(fields, 'decision');
  if (decision === 'deny') {
    const note = own(fields, 'note');
    const words = typeof note === 'string' ? note.trim().slice(0, MAX_NOTE_CHARS) : '';
    return { type: 'decided', verdict: words === '' ? { type: 'deny' } : { type: 'deny', note: words } };
  }
  if (decision !== 'approve') return unclear('"decision" is neither "approve" nor "deny".');
  const edited = own(fields, 'arguments');
  if (edited === undefined || edited === null) return { type: 'decided', verdict: { type: 'approve' } };
  if (typeof edited !== 'string') return unclear('"arguments" is no text.');
  if (edited.trim() === '') return { type: 'decided', verdict: { type: 'approve' } };
  // Read as strictly as if it had come in a body of its own.
  const parsed = parseBody(Buffer.from(edited), maxDepth);
  if (parsed.type !== 'value') return unclear(`The edited arguments are not taken. ${parsed.message}`);
  if (!isJsonObject(parsed.value)) return unclear('The edited arguments are no JSON object.');
  return { type: 'decided', verdict: { type: 'approve', args: parsed.value } };
}

const unclear = (message: string): FormAnswer => ({ type: 'unclear', message });
