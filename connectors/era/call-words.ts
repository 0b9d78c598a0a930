/** What is the same in every call of a tool, written once: the beginning of its params, and its header lines. */
export interface CallWords {
  /** From the end of the id to the arguments. */
  readonly params: string;
  readonly fields: string;
}

export const CALL_START = '{"jsonrpc":"2.0","id":';

/** As many tools as a list may have; lists change, and what is gone must not stay for ever. */
const MAX_TOOLS = 10_000;

export function createCallWords(fields: (tool: string) => string): (tool: string) => CallWords {
  const known = new Map<string, CallWords>();
  return (tool) => {
    const found = known.get(tool);
    if (found !== undefined) return found;
    if (known.size >= MAX_TOOLS) known.clear();
    const words = { params: `,"method":"tools/call","params":{"name":${JSON.stringify(tool)},"arguments":`, fields: fields(tool) };
    known.set(tool, words);
    return words;
  };
}
