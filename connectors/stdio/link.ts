/** MCP over a child's standard streams: one message a line. Restarting is the connector's business. */
import type { Log } from '../../core/log.ts';
import type { SecretSource, StdioServerSettings } from '../../core/settings.ts';
import { notSent, type Link, type LinkEvents } from '../link.ts';
import { answeredId } from '../wire/jsonrpc.ts';
import { LineReader } from '../wire/lines.ts';
import { createMux, tooLarge } from '../wire/mux.ts';
import { startChild, type Child, type ChildEnd } from './child.ts';
import { spawnProblem } from './command.ts';
import { childEnvironment } from './environment.ts';
import type { Reaper } from './reaper.ts';
import { createStderr, printable } from './stderr.ts';

export interface StdioLinkOptions {
  readonly settings: StdioServerSettings;
  readonly secrets: SecretSource;
  readonly log: Log;
  readonly reaper: Reaper;
  readonly events: LinkEvents;
}

/** Input that the child does not read is kept by us; beyond this much, nothing more is sent. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** A line is allowed what an answer is, and room for what is around it. */
const LINE_SLACK_BYTES = 64 * 1024;
const MAX_GARBAGE_LOGGED = 20;

/** @throws MissingSecret, or an Error in words where the child cannot even be tried. */
export function openStdioLink({ settings, secrets, log, reaper, events }: StdioLinkOptions): Link {
  const env = childEnvironment(settings.env, secrets, process.env, process.platform);
  const args = settings.args.map((arg) => secrets.resolve(arg));
  const attempt = { command: settings.command, cwd: settings.cwd, path: env['PATH'] ?? '' };
  let ended = false;
  let problem: string | undefined;
  let garbageLines = 0;
  const stderr = createStderr(log);
  const mux = createMux(events, (text) => void child.writeLine(text));

  function garbage(text: string): void {
    if (printable(text) === '') return;
    garbageLines++;
    if (garbageLines <= MAX_GARBAGE_LOGGED) log.warn({ line: printable(text).slice(0, 200), garbageLines }, 'stdout: a line that is no message; servers must log to stderr');
  }

  const lines = new LineReader(settings.maxResponseBytes + LINE_SLACK_BYTES, {
    line: (text, bytes) => {
      if (!mux.receive(text, bytes)) garbage(text);
    },
    oversized: (head, tail, bytes) => {
      const id = answeredId(head, tail);
      log.warn({ bytes, answers: id }, 'stdout: a line above maxResponseBytes was dropped');
      if (id !== undefined) mux.settle(id, tooLarge(settings.maxResponseBytes));
    },
  });

  function end(why: string): void {
    if (ended) return;
    ended = true;
    problem = why;
    mux.failAll(why);
    events.down(why);
  }

  function gone({ error, code, signal }: ChildEnd): void {
    lines.end();
    stderr.end();
    if (error !== undefined) return end(spawnProblem(error, attempt));
    const how = signal ? `was ended by ${signal}` : `exited with code ${code ?? 'unknown'}`;
    const last = stderr.lastLine();
    end(`its process ${how}${last === undefined ? '; it said nothing on stderr' : `; its last words: ${last}`}`);
  }

  let child: Child;
  try {
    child = startChild(
      { command: settings.command, args, env, cwd: settings.cwd, reaper },
      { stdout: (chunk) => lines.push(chunk), stderr: (chunk) => stderr.push(chunk), gone },
    );
  } catch (error) {
    throw new Error(spawnProblem(error as NodeJS.ErrnoException, attempt), { cause: error });
  }

  return {
    transport: 'stdio',
    pid: child.pid,
    get ended() {
      return problem;
    },
    send(outgoing) {
      if (ended) return outgoing.settle(notSent(problem ?? 'its process is not running'));
      if (child.unreadBytes > MAX_UNREAD_BYTES)
        return outgoing.settle({ ...notSent('its process does not read its input'), reason: 'overloaded' });
      mux.add(outgoing);
      if (!child.writeLine(outgoing.text)) mux.settle(outgoing.id, notSent('its process no longer takes input'));
    },
    abandon: (outgoing) => void mux.remove(outgoing.id),
    post(text, done) {
      child.writeLine(text);
      done?.();
    },
    agree() {},
    forgetSession() {},
    async close(graceMs) {
      if (!ended) {
        ended = true;
        mux.failAll('it was closed');
      }
      await child.stop(graceMs);
    },
  };
}
