/**
 * The person at the terminal, asked about a call of their own that a rule holds: shown on stderr, answered by a line. It
 * decides nothing by itself: without an answer the request stays as it is.
 */
import { createInterface, type Interface } from 'node:readline/promises';
import { isJsonObject, own, parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import { printableLines } from '../../core/text.ts';
import { INPUT_KEY } from '../mcp/ask/held.ts';
import { tell } from './print.ts';

/** Both ways: what is not shown is not asked, and what is piped in is no person's answer. */
export const canPrompt = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

const QUESTION = 'Approve this call? [y]es, [n]o, [e]dit the arguments, [l]eave it for later: ';
const CANCEL: JsonObject = { action: 'cancel' };

/** @param args as they were given, which the form shows redacted: they are what an edit begins with */
export function createPrompt(args: JsonObject, signal: AbortSignal): (key: string, request: JsonObject) => Promise<JsonObject> {
  return async (key, request) => {
    const params = own(request, 'params');
    const message = isJsonObject(params) ? own(params, 'message') : undefined;
    // Anything else that somebody may come to ask for is not this command's to fill in.
    if (key !== INPUT_KEY || typeof message !== 'string') return CANCEL;
    tell(printableLines(message));
    const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
    // In a line editor Ctrl-C is a key, and the command's own handling of it must still have its way.
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    try {
      // The end of the input settles no question that is open.
      const ended = new Promise<JsonObject>((resolve) => lines.once('close', () => resolve(CANCEL)));
      return await Promise.race([answer(lines, args, signal), ended]);
    } finally {
      lines.close();
    }
  };
}

async function answer(lines: Interface, args: JsonObject, signal: AbortSignal): Promise<JsonObject> {
  for (;;) {
    const word = (await lines.question(QUESTION, { signal })).trim().toLowerCase();
    switch (word) {
      case 'y':
      case 'yes':
        return accept({ decision: 'approve' });
      case 'n':
      case 'no':
        return accept({ decision: 'deny', note: await lines.question('Why not (may be left empty)? ', { signal }) });
      case 'e':
      case 'edit':
        return accept({ decision: 'approve', arguments: await edited(lines, args, signal) });
      case 'l':
      case 'later':
        return CANCEL;
      default:
    }
  }
}

const accept = (content: JsonObject): JsonObject => ({ action: 'accept', content });

async function edited(lines: Interface, args: JsonObject, signal: AbortSignal): Promise<string> {
  let text = JSON.stringify(args);
  for (;;) {
    const question = lines.question('Arguments: ', { signal });
    lines.write(printableLines(text));
    text = await question;
    if (isJsonObject(parsed(text))) return text;
    tell('These are no JSON object.');
  }
}

function parsed(text: string): JsonValue {
  try {
    return parseLossless(text);
  } catch {
    return null;
  }
}
