/** Admin routes for what the operator does about retention: one for each action, its terms as JSON. They are for the operator alone. */
import type { Response, Router } from 'express';
import { RetentionRefused, runRetention, type RetentionDesk } from '../retention/index.ts';

export interface RetentionRoutesParts {
  readonly retention: RetentionDesk;
}

/** @param admin lets nobody in but the operator */
export function retentionRoutes(admin: Router, { retention }: RetentionRoutesParts): void {
  admin.post('/retention/:action', (req, res, next) => {
    runRetention(retention, req.params.action, req.body).then(
      (answer) => void res.json(answer),
      (error: unknown) => (error instanceof RetentionRefused ? refuse(res, error) : failOr(res, error, next)),
    );
  });
}

const refuse = (res: Response, { message }: Error): void => void res.status(409).json({ error: { code: 'denied', message } });

function failOr(res: Response, error: unknown, next: (error: unknown) => void): void {
  if ((error as Error).name !== 'LedgerUnavailable') return next(error);
  res.status(503).json({ error: { code: 'ledger_unavailable', message: `Nothing was done, since it could not be recorded: ${(error as Error).message}.` } });
}
