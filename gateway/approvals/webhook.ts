/**
 * Announces new requests to the one address that the operator configured: signed, tried a few times, never in a call's way.
 * It follows no redirect, reads no answer but its status, and tells nothing but the redacted request.
 */
import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Agent } from 'undici';
import type { ApprovalRequest } from '../../core/approval.ts';
import type { Log } from '../../core/log.ts';
import { MissingSecret, type ApprovalSettings, type SecretSource } from '../../core/settings.ts';
import { VERSION } from '../version.ts';
import { shown } from './shown.ts';

export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

/** Reads the secret at the moment of use, so that a rotated one counts. @throws MissingSecret */
export type ResolveTarget = () => WebhookTarget;

export interface Webhook {
  announce(request: ApprovalRequest, target: ResolveTarget): void;
  close(): Promise<void>;
}

export interface WebhookParts {
  /** A request that was decided meanwhile is not announced any more. */
  readonly isPending: (id: string) => boolean;
  readonly log: Log;
  /** Between tries. */
  readonly delaysMs?: readonly number[];
  readonly timeoutMs?: number;
}

export const TIMESTAMP_HEADER = 'x-signalbox-timestamp';
export const SIGNATURE_HEADER = 'x-signalbox-signature';
const MAX_QUEUED = 500;
const MAX_AT_ONCE = 4;
const DELAYS_MS = [1000, 5000, 25_000];
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024;

export const targetOf = (webhook: ApprovalSettings['webhook'], secrets: SecretSource): ResolveTarget | undefined =>
  webhook === undefined ? undefined : () => ({ url: secrets.resolve(webhook.url), secret: secrets.resolve(webhook.secret) });

/** Of the time, so that an old announcement cannot be sent again as a new one, and of every byte of the body. */
export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

type Sent = 'taken' | 'refused' | 'again';

export function createWebhook({ isPending, log, delaysMs = DELAYS_MS, timeoutMs = TIMEOUT_MS }: WebhookParts): Webhook {
  const queue: { request: ApprovalRequest; target: ResolveTarget }[] = [];
  const closing = new AbortController();
  let atWork = 0;
  let agent: Agent | undefined;

  async function post(request: ApprovalRequest, { url, secret }: WebhookTarget): Promise<Sent> {
    const { Agent: UndiciAgent, request: send } = await import('undici');
    agent ??= new UndiciAgent({ connections: MAX_AT_ONCE });
    const body = JSON.stringify({ type: 'approval.requested', approval: shown(request) });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const headers = { 'content-type': 'application/json', 'user-agent': `signalbox/${VERSION}`, [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: signatureOf(secret, timestamp, body) };
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
    const answer = await send(url, { method: 'POST', headers, body, dispatcher: agent, signal });
    await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal });
    const { statusCode } = answer;
    if (statusCode >= 200 && statusCode < 300) return 'taken';
    log.warn({ approval: request.id, status: statusCode }, 'the approval webhook did not take an announcement');
    return statusCode >= 500 || statusCode === 429 || statusCode === 408 ? 'again' : 'refused';
  }

  /** One try. Faults of the network are told without the address: the path of a webhook is often a secret. */
  async function attempt(request: ApprovalRequest, resolve: ResolveTarget): Promise<Sent> {
    try {
      const target = resolve();
      if (/^https?:\/\//i.test(target.url)) return await post(request, target);
      log.error({ approval: request.id }, 'the address of the approval webhook is neither http nor https');
      return 'refused';
    } catch (error) {
      if (closing.signal.aborted) return 'refused';
      const { name, code = name } = error as Error & { code?: string };
      log.warn({ approval: request.id, error: error instanceof MissingSecret ? error.message : code }, 'the approval webhook could not be reached');
      return 'again';
    }
  }

  async function deliver(request: ApprovalRequest, target: ResolveTarget): Promise<void> {
    for (let tries = 0; isPending(request.id); tries++) {
      if ((await attempt(request, target)) !== 'again') return;
      const delayMs = delaysMs[tries];
      if (delayMs === undefined) return log.error({ approval: request.id, tries: tries + 1 }, 'an approval was not announced: the webhook failed each time');
      await pause(delayMs, undefined, { signal: closing.signal, ref: false });
    }
  }

  function work(): void {
    while (atWork < MAX_AT_ONCE) {
      const next = queue.shift();
      if (next === undefined) return;
      atWork += 1;
      void deliver(next.request, next.target)
        .catch((error: unknown) => void (closing.signal.aborted || log.error({ approval: next.request.id, error: String(error) }, 'an approval was not announced')))
        .finally(() => {
          atWork -= 1;
          work();
        });
    }
  }

  return {
    announce(request, target) {
      if (queue.length >= MAX_QUEUED) return log.error({ approval: request.id }, 'an approval was not announced: too many announcements wait for the webhook');
      queue.push({ request, target });
      work();
    },
    async close() {
      queue.length = 0;
      closing.abort();
      await agent?.destroy();
    },
  };
}
