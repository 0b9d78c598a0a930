/**
 * Shape, bounds, defaults and words of `servers`. What one member says of another (a command or a url, not both) is
 * checked in `check-servers.ts`, so that every mistake is found in one pass.
 */
import { z } from 'zod';

/** Parts without a double underscore: a tool's public name is `server__tool`. */
export const SERVER_ID = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:_[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
export const MAX_SERVER_ID_LENGTH = 32;

/** A day: longer timers than 24.8 days fire at once in Node. */
const MAX_TIMEOUT_MS = 86_400_000;

export const text = (description: string, ...examples: string[]) => z.string().meta({ description, examples });

export const whole = (min: number, max: number, description: string, example: number) =>
  z.int().min(min).max(max).meta({ description, examples: [example] });

export const texts = (description: string, ...examples: string[][]) => z.array(z.string()).meta({ description, examples });

const common = {
  disabled: z.boolean().default(false).meta({ description: 'Leaves the server out: it is not started and has no tools.', examples: [true] }),
  timeoutMs: whole(1, MAX_TIMEOUT_MS, 'Longest that one call may take, in milliseconds, progress or not.', 120_000).default(60_000),
  idleTimeoutMs: whole(1, MAX_TIMEOUT_MS, 'Longest silence within a call, in milliseconds; each progress notification starts it anew. Default: timeoutMs, at most 60000.', 30_000).optional(),
  maxResponseBytes: whole(1024, 268_435_456, 'Largest answer to one call, in bytes; a larger one is cut off and the call fails.', 1_048_576).default(16 * 1024 * 1024),
  concurrency: whole(1, 10_000, 'Calls in flight at once.', 8).default(64),
  queue: whole(0, 1_000_000, 'Calls that may wait for a place; one more is refused as busy. 0: none waits.', 0).default(256),
  connectTimeoutMs: whole(1, MAX_TIMEOUT_MS, 'Longest that starting or connecting may take, in milliseconds, up to the list of tools.', 10_000).default(30_000),
  idempotent: texts('Patterns over the tools\' own names: your word that repeating a call of these does no harm, so a call that was lost may be sent again.', ['read_*', 'list_*']).default([]),
};

export const SERVER_TYPES = ['stdio', 'http', 'sse', 'streamable-http', 'streamableHttp'] as const;

export const serverSchema = z
  .strictObject({
    type: z.enum(SERVER_TYPES).optional().meta({
      description: 'How to reach it. stdio: start a process. http (also written streamable-http): Streamable HTTP, and HTTP+SSE where the server says so. sse: HTTP+SSE only. Default: stdio with a command, http with a url.',
      examples: ['sse'],
    }),
    command: text('Program to start; looked up in PATH, never through a shell.', 'npx').optional(),
    args: texts('Its arguments, one entry each. They may hold ${env:NAME} and ${file:PATH}, but other users of the machine can read them; "$${" is a plain "${".', ['-y', '@modelcontextprotocol/server-filesystem', '/tmp']).optional(),
    env: z.record(z.string(), z.string()).optional().meta({
      description: 'Environment variables for the process, besides PATH, HOME and the like. It gets no others. Values may hold ${env:NAME} and ${file:PATH}.',
      examples: [{ GITHUB_TOKEN: '${env:GITHUB_TOKEN}' }],
    }),
    cwd: text('Folder that the process starts in; relative to this file. Default: the folder of this file.', './work').optional(),
    url: text('Address of the server: http or https, without user name and password. It may hold ${env:NAME} and ${file:PATH}.', 'https://tools.example.com/mcp').optional(),
    headers: z.record(z.string(), z.string()).optional().meta({
      description: 'HTTP headers sent with each request. Values may hold ${env:NAME} and ${file:PATH}.',
      examples: [{ authorization: 'Bearer ${env:TOKEN}' }],
    }),
    ...common,
  })
  .meta({
    description: 'One tool server: either "command" (a process) or "url" (HTTP).',
    examples: [{ command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory'] }, { url: 'http://127.0.0.1:9100/mcp' }],
    oneOf: [{ required: ['command'] }, { required: ['url'] }],
  });

export type ServerInput = z.output<typeof serverSchema>;

const serversMeta = {
  description: 'Tool servers by id. The id is part of each tool\'s public name, "id__tool", so it holds no double underscore: letters, digits, "-" and single "_", at most 32 characters.',
  examples: [{ files: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/tmp'] } }],
  propertyNames: { pattern: SERVER_ID.source, maxLength: MAX_SERVER_ID_LENGTH },
};

export const serversSchema = z.record(z.string(), serverSchema).meta(serversMeta);
