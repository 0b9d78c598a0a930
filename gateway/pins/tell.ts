/** Says in the log how tools stand, once for each change: alike ones in one line, so that a new server is not a flood. */
import type { Log } from '../../core/log.ts';
import type { Standing } from '../../core/pin.ts';

type Remark = Exclude<Standing, { type: 'clear' }>;
export type Remarks = ReadonlyMap<string, Remark>;

const MAX_NAMED = 20;

export function createTeller(log: Log): (remarks: Remarks) => void {
  let told: Remarks = new Map();
  return (remarks) => {
    const news = [...remarks].filter(([ref, remark]) => !isSame(told.get(ref), remark));
    const gone = [...told.keys()].filter((ref) => !remarks.has(ref));
    told = remarks;
    for (const alike of Map.groupBy(news, ([, { type, why }]) => `${type} ${why}`).values()) {
      const [[, { type, cause, why }]] = alike as [[string, Remark]];
      const message = type === 'quarantined' ? 'tools are quarantined: neither listed nor callable; "signalbox pins diff" shows them' : 'tools are to be reviewed; "signalbox pins diff" shows them';
      log.warn({ tools: alike.slice(0, MAX_NAMED).map(([ref]) => ref), count: alike.length, cause, why }, message);
    }
    if (gone.length > 0) log.info({ tools: gone.slice(0, MAX_NAMED), count: gone.length }, 'nothing is to be said against these tools any more, or they are gone');
  };
}

const isSame = (a: Remark | undefined, b: Remark): boolean => a?.type === b.type && a.why === b.why;
