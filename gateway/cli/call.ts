/** `signalbox call`: one tool call by the path that everybody's calls take; progress on stderr, the result on stdout. */
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { isJsonObject, own, type JsonObject } from '../../core/json.ts';
import { encodeHeaderValue, mirroredHeaders, paramHeaders } from '../../core/param-headers.ts';
import { printable, printableLines } from '../../core/text.ts';
import { META } from '../mcp/protocol.ts';
import type { Explanation } from '../explain.ts';
import { withGateway, type GatewayAccess } from './access.ts';
import { canPrompt, createPrompt } from './approval-prompt.ts';
import { CommandError, EXIT } from './exit.ts';
import { createMcpClient, type Answer } from './mcp.ts';
import { printForeign, printJson, tell } from './print.ts';
import { nameOf, type CallerOptions } from './tools.ts';
import { describeContent } from './content.ts';
import { unknownName } from './unknown.ts';

export function callTool(name: string, args: JsonObject, options: CallerOptions): Promise<void> {
  return withGateway(options, async (gateway) => {
    const onInput = canPrompt() ? createPrompt(args, gateway.signal) : undefined;
    const client = createMcpClient({ gateway, as: options.as, profile: options.profile, onInput });
    const tools = await client.listTools();
    const tool = tools.find((one) => nameOf(one) === name);
    // One that is not listed is asked for all the same: the gateway refuses it, and records that.
    const answer = await client.ask({
      method: 'tools/call',
      params: { name, arguments: args },
      headers: { 'mcp-name': encodeHeaderValue(name), ...(tool === undefined ? {} : paramHeadersOf(tool, args)) },
      onProgress: sayProgress,
    });
    if (answer.type === 'error' && tool === undefined) throw await notListed(name, args, tools, gateway, options);
    show(answer, options.json === true);
  });
}

/** Whoever may use this command may know what there is, also where the caller that it acts for may not. */
async function notListed(name: string, args: JsonObject, tools: readonly JsonObject[], gateway: GatewayAccess, { as, profile }: CallerOptions): Promise<CommandError> {
  const { tool, reason } = (await gateway.admin('POST', '/explain', { name, args, as, profile })) as Explanation;
  if (tool === undefined) return new CommandError(unknownName('tool', name, tools.map(nameOf)));
  return new CommandError(printable(`${tool}: ${reason}`), EXIT.refused);
}

function paramHeadersOf(tool: JsonObject, args: JsonObject): Record<string, string> {
  const asked = paramHeaders(own(tool, 'inputSchema'));
  const flat = asked.type === 'valid' ? mirroredHeaders(asked.headers, args) : [];
  return Object.fromEntries(flat.flatMap((text, at) => (at % 2 === 0 ? [[text, flat[at + 1] as string]] : [])));
}

function sayProgress(progress: JsonObject): void {
  const { progress: done, total, message } = { progress: own(progress, 'progress'), total: own(progress, 'total'), message: own(progress, 'message') };
  const count = total === undefined ? String(done) : `${String(done)}/${String(total)}`;
  tell(printable(`progress ${count}${typeof message === 'string' ? `  ${message}` : ''}`));
}

/** @throws CommandError with the exit code that the answer calls for */
function show(answer: Answer, asJson: boolean): void {
  if (answer.type === 'error') throw failed(answer.message, codeOfRpc(answer.code));
  const { result } = answer;
  if (asJson) printJson(result);
  const isError = own(result, 'isError') === true;
  if (!isError) {
    if (!asJson) for (const text of describeContent(result)) printForeign(text);
    return;
  }
  throw failed(asJson ? '' : [...describeContent(result), ...howToApprove(result)].join('\n'), codeOf(result));
}

const failed = (words: string, code: string | undefined): CommandError => new CommandError(printableLines(words), code !== undefined && REFUSALS.has(code) ? EXIT.refused : EXIT.failed);

/** What the rules and the limits refuse; all else went wrong. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>(['denied', 'rate_limited', 'approval_required']);

/** For a call that waits: what somebody else, or the same person elsewhere, would type. */
function howToApprove(result: JsonObject): string[] {
  const id = own(errorOf(result), 'approval');
  if (typeof id !== 'string') return [];
  return [`Approve it with "signalbox approvals approve ${id}", or see it with "signalbox approvals show ${id}"; then call again.`];
}

/** Which error of the table a tool result carries; the tool's own errors carry none. */
function codeOf(result: JsonObject): string | undefined {
  const code = own(errorOf(result), 'code');
  return typeof code === 'string' ? code : undefined;
}

function errorOf(result: JsonObject): JsonObject | undefined {
  const meta = own(result, '_meta');
  const error = isJsonObject(meta) ? own(meta, META.error) : undefined;
  return isJsonObject(error) ? error : undefined;
}

const codeOfRpc = (rpc: number): string | undefined => [...REFUSALS].find((code) => ERRORS[code as ErrorCode].rpc === rpc);
