/** The connectors of the servers that are configured now: made, kept over reloads, and closed when nothing names them. */
import type { Connector, ConnectorStatus } from '../core/connector.ts';
import type { HistogramReading } from '../core/histogram.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import type { SecretSource, Settings } from '../core/settings.ts';
import { createMcpConnector, createReaper } from '../connectors/index.ts';

export interface ServersParts {
  readonly log: Log;
  /** What upstreams are told of the gateway. */
  readonly clientInfo: JsonObject;
  /** A list of tools, or a server's state, changed. */
  readonly onChange: () => void;
}

export interface Servers {
  /** Connectors whose settings did not change go on; the others are started now, and those no longer named are closed. */
  take(settings: Settings, secrets: SecretSource): ReadonlyMap<string, Connector>;
  statuses(): ConnectorStatus[];
  /** How long calls waited for a place, by server. */
  queueTimes(): (readonly [server: string, HistogramReading])[];
  /** Leaves no process behind. */
  close(graceMs: number): Promise<void>;
}

interface Entry {
  readonly connector: Connector;
  /** Canonical JSON of its settings: the same text means that it may go on. */
  readonly meaning: string;
  readonly unlisten: () => void;
}

/** Calls under way on a server that a new configuration no longer has may take this long to end. */
const GRACE_OF_REMOVED_MS = 60_000;

export function createServers({ log, clientInfo, onChange }: ServersParts): Servers {
  const reaper = createReaper();
  const entries = new Map<string, Entry>();
  /** Dismissed, and still ending the calls that they have. */
  const leaving = new Map<Connector, Promise<void>>();

  function dismiss(id: string): void {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    entry.unlisten();
    const { connector } = entry;
    const gone = connector
      .close(GRACE_OF_REMOVED_MS)
      .catch((error: unknown) => log.error({ server: id, error: String(error) }, 'a server did not close'))
      .then(() => void leaving.delete(connector));
    leaving.set(connector, gone);
  }

  return {
    take(settings, secrets) {
      const taken = new Map<string, Connector>();
      for (const server of settings.servers) {
        if (server.disabled) continue;
        const meaning = canonicalJson(server);
        let entry = entries.get(server.id);
        if (entry?.meaning !== meaning) {
          dismiss(server.id);
          const connector = createMcpConnector({ settings: server, secrets, log, reaper, clientInfo });
          entry = { connector, meaning, unlisten: connector.onChange(onChange) };
          entries.set(server.id, entry);
          connector.start();
        }
        taken.set(server.id, entry.connector);
      }
      for (const id of entries.keys()) if (!taken.has(id)) dismiss(id);
      return taken;
    },
    queueTimes: () => [...entries].flatMap(([id, { connector: { queueTimes } }]) => (queueTimes === undefined ? [] : [[id, queueTimes] as const])),
    statuses: () => [...entries.values()].map(({ connector }) => connector.status()),
    async close(graceMs) {
      await Promise.all([...entries.values(), ...[...leaving.keys()].map((connector) => ({ connector }))].map(({ connector }) => connector.close(graceMs)));
      reaper.close();
    },
  };
}
