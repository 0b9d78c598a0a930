/** The hold on a running gateway: a request that it leaves open. While one is held, a gateway started for this stays. */
import { Client } from 'undici';

export interface Lease {
  /** It was started by `signalbox stdio`, and goes with the last lease. */
  readonly isEphemeral: boolean;
  /** Settles when the gateway has gone, or wants to. */
  readonly ended: Promise<void>;
  release(): void;
}

const ANSWER_WITHIN_MS = 5000;
const CONNECT_WITHIN_MS = 1000;

/** @returns undefined where no gateway of this data directory answers there, or one that is leaving */
export function takeLease(origin: string, headers: readonly string[]): Promise<Lease | undefined> {
  const client = new Client(origin, { connect: { timeout: CONNECT_WITHIN_MS }, headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: 0 });
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const release = (): void => void client.destroy().catch(() => {});
  return new Promise((resolve) => {
    const fail = (): void => {
      end();
      release();
      resolve(undefined);
    };
    client.dispatch(
      { method: 'GET', path: '/admin/lease', headers: [...headers] },
      {
        onRequestStart() {},
        onResponseStart(controller, status, answered) {
          if (status !== 200) return controller.abort(new Error('no lease'));
          resolve({ isEphemeral: answered['x-signalbox-ephemeral'] === 'true', ended, release });
        },
        onResponseData() {},
        onResponseEnd: fail,
        onResponseError: fail,
      },
    );
  });
}
