/**
 * Who is told when a list changes: 2025 sessions with an open GET stream, and 2026 `subscriptions/listen` streams. Each is
 * told only when its own view changed.
 */
import { isJsonObject, own } from '../../core/json.ts';
import type { Principal } from '../../core/principal.ts';
import type { Box } from '../box.ts';
import type { Method } from './method.ts';
import { META, type RequestId } from './protocol.ts';
import { modernEnvelope, notificationText, resultText, tableError } from './render.ts';
import type { Sessions } from './sessions.ts';
import type { EventStream } from './stream.ts';

interface Subscription {
  readonly id: RequestId;
  readonly principal: Principal;
  readonly profile: string | undefined;
  readonly stream: EventStream;
  signature: string | undefined;
}

export interface Subscriptions {
  readonly listen: Method;
  /** Tells everybody whose view of the box is by then not the one last told; changes that come together are told once. */
  announceSoon(current: () => Box): void;
  beat(): void;
  /** Ends every stream as the specification wants it: with an answer. */
  close(): void;
  readonly size: number;
}

/** Streams at once; beyond it a new one is refused rather than an old one cut. */
const MAX_STREAMS = 20_000;
const ANNOUNCE_AFTER_MS = 50;

export function createSubscriptions(sessions: Sessions): Subscriptions {
  const open = new Set<Subscription>();
  let announcing: NodeJS.Timeout | undefined;

  const listen: Method = ({ id, params }, { exchange, principal, profile, box }) => {
    const filter = own(params, 'notifications');
    if (!isJsonObject(filter)) {
      return exchange.answer(tableError(id, 'invalid_params', 'Expected "notifications" to be an object.'));
    }
    if (open.size >= MAX_STREAMS) return exchange.answer(tableError(id, 'busy', 'Too many streams are open.'), 503);
    const stream = exchange.stream();
    if (stream === undefined) {
      return exchange.answer(tableError(id, 'invalid_request', 'Listening needs "Accept: text/event-stream".'), 406);
    }
    const wantsTools = own(filter, 'toolsListChanged') === true;
    stream.send(
      notificationText('notifications/subscriptions/acknowledged', {
        _meta: { [META.subscription]: id },
        notifications: wantsTools ? { toolsListChanged: true } : {},
      }),
    );
    const subscription: Subscription = { id, principal, profile, stream, signature: signatureOf(box, principal, profile) };
    open.add(subscription);
    exchange.onGone(() => open.delete(subscription));
    if (!wantsTools) subscription.signature = NEVER;
  };

  function announce(box: Box): void {
    for (const subscription of open) {
      if (subscription.signature === NEVER) continue;
      const signature = signatureOf(box, subscription.principal, subscription.profile);
      if (signature === subscription.signature) continue;
      subscription.signature = signature;
      subscription.stream.send(
        notificationText('notifications/tools/list_changed', { _meta: { [META.subscription]: subscription.id } }),
      );
    }
    for (const session of sessions.all()) {
      const stream = [...session.streams].at(-1);
      if (stream === undefined) continue;
      const signature = signatureOf(box, session.principal, session.profile);
      if (signature === session.toldSignature) continue;
      session.toldSignature = signature;
      stream.send(notificationText('notifications/tools/list_changed'));
    }
  }

  return {
    listen,
    announceSoon(current) {
      announcing ??= setTimeout(() => {
        announcing = undefined;
        announce(current());
      }, ANNOUNCE_AFTER_MS);
    },
    get size() {
      return open.size;
    },
    beat() {
      for (const { stream } of open) stream.beat();
      for (const session of sessions.all()) for (const stream of session.streams) stream.beat();
    },
    close() {
      clearTimeout(announcing);
      for (const { id, stream } of open) {
        stream.send(resultText(id, { ...modernEnvelope, _meta: { ...modernEnvelope._meta, [META.subscription]: id } }));
        stream.end();
      }
      open.clear();
    },
  };
}

/** Stands for "wants to hear of nothing". */
const NEVER = '';

export const signatureOf = (box: Box, principal: Principal, profile: string | undefined): string =>
  box.view(principal, profile)?.signature ?? 'none';
