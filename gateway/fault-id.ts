/** Faults of our own: the caller is shown an id and nothing else, and the log has the same id with all the rest. */
import { randomBytes } from 'node:crypto';
import type { Log } from '../core/log.ts';

/** @returns the id to show */
export function logFault(log: Log, error: unknown, message: string, fields: object = {}): string {
  const id = `f${randomBytes(6).toString('hex')}`;
  log.error({ id, ...fields, error: error instanceof Error ? error.stack : String(error) }, message);
  return id;
}

export const faultText = (id: string): string => `Something went wrong inside the gateway (id ${id}).`;
