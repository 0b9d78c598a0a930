/** Admin routes for pins: what stands in the lock file beside what there is, and changing it. */
import type { Request, Response, Router } from 'express';
import type { ConnectorStatus } from '../../core/connector.ts';
import { isJsonObject } from '../../core/json.ts';
import type { PinnedTool } from '../../core/pin.ts';
import { printable } from '../../core/text.ts';
import { holdsInvisible } from '../../policies/index.ts';
import { LockNotWritten, pinNow, pinsReport, type Pins } from '../pins/index.ts';
import type { Gate } from './server.ts';

export interface PinsRoutesParts {
  readonly gate: () => Gate;
  readonly connectors: () => ConnectorStatus[];
  readonly pins: Pins;
}

export function pinsRoutes(admin: Router, { gate, connectors, pins }: PinsRoutesParts): void {
  admin.get('/pins', (_req, res) => void res.json(pinsReport(gate().box, pins, connectors())));
  admin.post('/pins/approve', (req, res) => approve(gate, pins, req, res));
  admin.post('/pins/reject', (req, res) => {
    const refs = textsOf((req.body as { tools?: unknown } | undefined)?.tools);
    if (refs === undefined) return void refuse(res, 400, 'invalid_params', 'Expected {"tools": ["server/tool", ...]}.');
    const known = refs.filter((ref) => pins.reading().file.tools.has(ref));
    write(res, () => pins.reject(known), { rejected: known });
  });
}

/** What is approved is what was shown: a tool that has changed since is not. */
function approve(gate: () => Gate, pins: Pins, req: Request, res: Response): void {
  const wanted = (req.body as { tools?: unknown } | undefined)?.tools;
  if (!Array.isArray(wanted)) return refuse(res, 400, 'invalid_params', 'Expected {"tools": [{"tool": "server/tool", "fingerprint": "..."}, ...]}.');
  const { box } = gate();
  const tools = new Map<string, PinnedTool>();
  for (const one of wanted as unknown[]) {
    const [ref, fingerprint] = isJsonObject(one) ? [one['tool'], one['fingerprint']] : [];
    const now = typeof ref === 'string' ? pinNow(box, ref) : undefined;
    if (typeof ref !== 'string' || now?.fingerprint !== fingerprint || now === undefined) {
      return refuse(res, 409, 'invalid_params', `The tool "${String(ref).slice(0, 300)}" is not the one that was shown any more, or is gone. Nothing was approved: look at it again.`);
    }
    if (holdsInvisible(ref)) return refuse(res, 409, 'invalid_params', `The name of the tool "${printable(ref)}" holds characters that nobody sees: no review makes it a good one.`);
    tools.set(ref, now);
  }
  write(res, () => pins.approve(tools), { approved: [...tools.keys()] });
}

function write(res: Response, change: () => void, answer: object): void {
  try {
    change();
    res.json(answer);
  } catch (error) {
    if (!(error instanceof LockNotWritten)) throw error;
    refuse(res, 409, 'internal', error.message);
  }
}

const textsOf = (value: unknown): string[] | undefined => (Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined);

const refuse = (res: Response, status: number, code: string, message: string): void => void res.status(status).json({ error: { code, message } });
