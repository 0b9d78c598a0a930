/**
 * The register's part in the gateway: the key that signs, how often, and where checkpoints go besides the ledger. Nothing of
 * it is on the way of a call, and nothing that goes wrong in it stops one. The ledger makes the checkpoints.
 */
import type { Log } from '../../core/log.ts';
import type { CheckpointSettings } from '../../core/settings.ts';
import { createSigner, publishKey, type CheckpointOptions, type GatewaySecret } from '../../store/index.ts';
import { createDelivery, type DeliveryStatus } from './delivery.ts';
import { createFilePlace, createWebhookPlace, type ResolveHook } from './places.ts';

export interface RegisterKeeperParts {
  readonly dataDir: string;
  readonly secret: GatewaySecret;
  readonly log: Log;
  /** Of the configuration in force. */
  readonly settings: () => CheckpointSettings;
  readonly hook: () => ResolveHook | undefined;
  /** Between tries to deliver. */
  readonly delaysMs?: readonly number[];
}

export interface RegisterStatus {
  /** Name of the key, which is the log's. */
  readonly key: string;
  /** The newest checkpoint since the start: how many records it vouches for, and when it was made (epoch milliseconds). */
  readonly newest?: { readonly size: number; readonly at: number };
  /** Why none can be made. */
  readonly problem?: string;
  readonly places: readonly DeliveryStatus[];
}

export interface RegisterKeeper {
  /** For the ledger. */
  readonly checkpoints: CheckpointOptions;
  status(): RegisterStatus;
  /** After the ledger's, which makes the last checkpoint. */
  close(): Promise<void>;
}

/** What the last checkpoint gets to be brought away. */
const GRACE_MS = 2000;

/** Of the Ed25519 key of a data directory. */
export const signingSeed = (secret: GatewaySecret): Buffer => secret.derive('register-signing');

export function createRegisterKeeper({ dataDir, secret, log, settings, hook, delaysMs }: RegisterKeeperParts): RegisterKeeper {
  const seed = signingSeed(secret);
  const { name, publicKey } = createSigner(seed);
  try {
    publishKey(dataDir, publicKey);
  } catch (error) {
    log.warn({ problem: (error as Error).message }, 'the public key of the register could not be written into the data directory');
  }
  const tries = delaysMs === undefined ? {} : { delaysMs };
  const webhook = createWebhookPlace(hook);
  const file = createDelivery({ place: 'file', send: createFilePlace(() => settings().file), log, ...tries });
  const post = createDelivery({ place: 'webhook', send: webhook.send, log, ...tries });
  let newest: RegisterStatus['newest'];
  let problem: string | undefined;

  return {
    checkpoints: {
      seed,
      pace: settings,
      onCheckpoint(note, size) {
        newest = { size, at: Date.now() };
        problem = undefined;
        if (settings().file !== undefined) file.add(note);
        if (hook() !== undefined) post.add(note);
      },
      onProblem(words) {
        if (problem === undefined) log.error({ problem: words }, 'a checkpoint could not be made; it is tried again, and calls go on');
        problem = words;
      },
    },
    status: () => ({
      key: name,
      ...(newest === undefined ? {} : { newest }),
      ...(problem === undefined ? {} : { problem }),
      places: [...(settings().file === undefined ? [] : [file.status()]), ...(hook() === undefined ? [] : [post.status()])],
    }),
    async close() {
      await Promise.all([file.close(GRACE_MS), post.close(GRACE_MS)]);
      await webhook.close();
    },
  };
}
