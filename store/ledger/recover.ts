/**
 * What a stop in mid-call left open: each intent without an outcome gets its `unknown`, before anything new is written.
 * Reads only from the mark on, and repeats no call.
 */
import type { AuditRecord, RecordBody } from '../../core/audit.ts';
import type { LedgerFile } from './file.ts';

/** Returns how many calls were found open. @throws as `append` does, or when a record cannot be read */
export function closeOpenIntents(file: LedgerFile, nowMs: number): number {
  const open = new Map<string, number>();
  for (const { seq, body } of file.recordsFrom(file.closedBelow)) {
    if (body === '') continue;
    const { kind, call } = JSON.parse(body) as RecordBody & { call?: string };
    if (call === undefined) continue;
    if (kind === 'intent') open.set(call, seq);
    else if (kind === 'outcome' || kind === 'unknown') open.delete(call);
  }
  const unknowns = [...open].map(([call, intent]): AuditRecord => ({ kind: 'unknown', time: nowMs, call, intent }));
  // An empty commit too: it makes durable what a writer that died left in the log unsynced.
  file.append(unknowns.map((record) => JSON.stringify(record)), file.tail.seq + unknowns.length + 1);
  return unknowns.length;
}
