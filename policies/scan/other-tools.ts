/**
 * Names of other servers' tools in the words of a tool: a hint for a reviewer, and no more, since honest servers speak of
 * each other and since what other servers are called must never take a tool away.
 */
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Finding } from '../../core/pin.ts';
import { reviewedParts } from '../../core/tool.ts';
import { finding } from './scan.ts';

export interface NamedTool {
  readonly server: string;
  readonly name: string;
}

const NAME = /[A-Za-z0-9_.-]{5,64}/g;
/** A plain word ("search") says nothing of a tool. */
const TELLING = /[a-z0-9][_.-][a-z0-9]|[a-z][A-Z]/;
const MAX_TEXT = 64 * 1024;

/** @returns for a tool of `server` what it says of the tools of others */
export function createOtherToolFinder(tools: Iterable<NamedTool>): (server: string, definition: JsonObject) => Finding[] {
  const servers = new Map<string, Set<string>>();
  for (const { server, name } of tools) {
    if (!TELLING.test(name)) continue;
    const having = servers.get(name);
    if (having === undefined) servers.set(name, new Set([server]));
    else having.add(server);
  }
  return (server, definition) => {
    const found = new Map<string, Finding>();
    for (const [key, part] of Object.entries(reviewedParts(definition))) {
      if (key === 'name') continue;
      for (const [word] of textOf(part).slice(0, MAX_TEXT).matchAll(NAME)) {
        const having = servers.get(word);
        if (having === undefined || having.has(server) || found.has(word)) continue;
        found.set(word, { ...finding('other-tool', { severity: 'low', message: `names the tool "${word}" of server "${[...having].join('", "')}"` }), at: `/${key}` });
      }
    }
    return [...found.values()];
  };
}

const textOf = (part: JsonValue): string => (typeof part === 'string' ? part : JSON.stringify(part));
