/** The two places that checkpoints can be brought to, outside of the data directory. Each tries once, and says in words what is wrong. */
import { open } from 'node:fs/promises';
import type { Agent } from 'undici';
import { MissingSecret, type CheckpointSettings, type SecretSource } from '../../core/settings.ts';
import { VERSION } from '../version.ts';

/** Reads the address at the moment of use. @throws MissingSecret */
export type ResolveHook = () => string;

export const hookOf = (webhook: CheckpointSettings['webhook'], secrets: SecretSource): ResolveHook | undefined =>
  webhook === undefined ? undefined : () => secrets.resolve(webhook.url);

/** Appends to a file, durably. */
export function createFilePlace(path: () => string | undefined): (note: string) => Promise<void> {
  /** The file that ends with a whole note of ours. */
  let whole: string | undefined;
  return async (note) => {
    const target = path();
    if (target === undefined) return;
    const file = await open(target, 'a');
    try {
      // Half a note may stand at the end, of a full disk or a power failure: an empty line keeps it apart from this one.
      const gap = whole === target || (await file.stat()).size === 0 ? '' : '\n\n';
      whole = undefined;
      await file.appendFile(`${gap}${note}\n`);
      await file.sync();
      whole = target;
    } finally {
      await file.close();
    }
  };
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024;

/** POSTs to the one address that the operator configured. It follows no redirect, and reads no answer but its status. */
export function createWebhookPlace(hook: () => ResolveHook | undefined): { send(note: string, signal: AbortSignal): Promise<void>; close(): Promise<void> } {
  let agent: Agent | undefined;

  async function post(url: string, note: string, signal: AbortSignal): Promise<number> {
    const { Agent: UndiciAgent, request } = await import('undici');
    agent ??= new UndiciAgent({ connections: 1 });
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'user-agent': `signalbox/${VERSION}` };
    const answer = await request(url, { method: 'POST', headers, body: note, dispatcher: agent, signal: bounded });
    await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal: bounded });
    return answer.statusCode;
  }

  return {
    async send(note, signal) {
      const resolve = hook();
      if (resolve === undefined) return;
      let status: number;
      try {
        const url = resolve();
        if (!/^https?:\/\//i.test(url)) throw new Error('its address is neither http nor https');
        status = await post(url, note, signal);
      } catch (error) {
        // Told without the address: the path of a webhook is often a secret.
        const { name, code = name } = error as Error & { code?: string };
        throw new Error(error instanceof MissingSecret || code === 'Error' ? (error as Error).message : `it could not be reached (${code})`, { cause: error });
      }
      if (status < 200 || status >= 300) throw new Error(`it answered with status ${status}`);
    },
    close: async () => agent?.destroy(),
  };
}
