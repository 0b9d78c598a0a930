/** What must hold of executions, records and answers after any fault: one account for all cases. */
import { join } from 'node:path';
import { LEDGER_FILE, verifyLedger } from '../store/index.ts';
import { accountOf, missingFrom, repeated, type Place } from '../test/faults/support.ts';
import { count, type Promises } from './case.ts';

export interface Answered {
  /** Ids of calls that were answered with their result. */
  readonly acknowledged: readonly string[];
  /** Ids of calls that were refused. */
  readonly failed: Iterable<string>;
}

/** Holds the account of a place whose gateway has ended against what its clients were told. */
export function holdToAccount(promises: Promises, place: Place, { acknowledged, failed }: Answered): string {
  const executed = place.executed();
  const { intended, ends } = accountOf(place.records());
  const refused = new Set(failed);
  const without = missingFrom(intended, executed);
  const twice = repeated(executed);
  const lost = [...missingFrom(executed, acknowledged), ...acknowledged.filter((id) => (ends.get(id)?.length ?? 0) === 0)];
  promises.none('executed without an intent', without);
  promises.none('executed twice', twice);
  promises.none('acknowledged but missing', lost);
  promises.none('refused and yet executed', executed.filter((id) => refused.has(id)));
  promises.none('an intent with more or less than one end', [...ends].filter(([, records]) => records.length !== 1).map(([id]) => id));
  holdChain(promises, place);
  const unknown = [...ends.values()].filter((records) => records[0]?.kind === 'unknown').length;
  return (
    `executed ${count(executed.length)}, answered ${count(acknowledged.length)}, refused ${count(refused.size)}, unknown ${count(unknown)}; ` +
    `**executed without intent ${without.length}, executed twice ${twice.length}, acknowledged but missing ${lost.length}**`
  );
}

export function holdChain(promises: Promises, place: Place, when = ''): void {
  const result = verifyLedger(join(place.dataDir, LEDGER_FILE));
  if (!result.ok) promises.broken.push(`the chain does not verify${when}: ${JSON.stringify(result)}`);
}
