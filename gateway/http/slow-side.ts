/** Everything over HTTP that is not MCP: health, metrics, admin. Express is loaded with the first request for one of the latter. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticated } from '../auth.ts';
import { faultText, logFault } from '../fault-id.ts';
import { fail } from '../mcp/endpoint.ts';
import type { AdminParts } from './admin.ts';
import { answerHealth } from './health.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

export function createSlowSide(parts: AdminParts): (req: IncomingMessage, res: ServerResponse, authenticated: Authenticated) => void {
  let app: Promise<(authenticated: Authenticated) => Handler> | undefined;
  return (req, res, authenticated) => {
    if (answerHealth(parts, req, res)) return;
    app ??= import('./admin.ts').then(({ createAdmin }) => createAdmin(parts));
    app.then(
      (handler) => handler(authenticated)(req, res),
      (error: unknown) => {
        app = undefined;
        fail(res, 500, 'internal', faultText(logFault(parts.log, error, 'the admin side could not be loaded')));
      },
    );
  };
}
