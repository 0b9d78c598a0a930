import { describe, expect, it } from 'vitest';
import { modern, newPlace, record, startBridge, until, type Bridge, type Message } from './support.ts';

const KILLS = 6;
const UNDER_WAY = 8;

/** Calls without pause until told to stop; each id is used once. */
function load(bridge: Bridge, name: string, params: (of: object) => object) {
  const asked = new Set<string>();
  let isStopped = false;
  const worker = async (n: number): Promise<void> => {
    for (let call = 0; !isStopped; call++) {
      const id = `${name}-${n}-${call}`;
      asked.add(id);
      await bridge.ask(id, 'tools/call', params(record(id)));
    }
  };
  const done = Promise.all(Array.from({ length: UNDER_WAY }, (_, n) => worker(n)));
  return {
    asked,
    stop: () => {
      isStopped = true;
      return done;
    },
  };
}

describe('under load, with the gateway killed again and again', () => {
  it('each request of both eras gets exactly one answer, and none is executed twice [STDIO-3]', async () => {
    const place = newPlace();
    const old = startBridge(place);
    const young = startBridge(place);
    await Promise.all([old.open(), young.ask('first', 'server/discover', modern())]);
    const loads = [load(old, 'old', (of) => of), load(young, 'young', modern)] as const;
    for (let kill = 0; kill < KILLS; kill++) {
      const before = place.executed().length;
      await until(() => place.executed().length > before + 5 + kill * 7, 'calls are made');
      process.kill(place.gatewayPid() as number, 'SIGKILL');
    }
    const before = place.executed().length;
    await until(() => place.executed().length > before + 20, 'calls are made again');
    await Promise.all(loads.map(({ stop }) => stop()));

    const executed = place.executed();
    expect(new Set(executed).size).toBe(executed.length);
    for (const [bridge, { asked }] of [[old, loads[0]], [young, loads[1]]] as const) {
      const answers = bridge.received.filter((message): message is Message => !Array.isArray(message) && asked.has(String(message.id)));
      expect(answers.map(({ id }) => id).toSorted()).toEqual([...asked].toSorted());
      for (const { id, result, error } of answers) {
        if (result === undefined) expect(error).toMatchObject({ code: 1008, data: { executed: 'maybe' } });
        else if (result.isError !== true) expect(executed).toContain(id);
      }
    }
  });
});
