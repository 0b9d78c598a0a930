/** Before a call: is the list of tools that it was resolved in still the server's? Asked only where pins are enforced. */
import type { ToolCall } from '../../core/call.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Box } from '../box.ts';
import type { ViewRoute } from '../catalog/view.ts';

export const isOutdated = (box: Box, route: ViewRoute): boolean => box.recheckMs !== undefined && performance.now() - route.connector.confirmedAt() > box.recheckMs;

export interface Rechecked {
  /** Where the name leads to by the list as it is now. */
  readonly route: ViewRoute | undefined;
  /** Why the call cannot be let through. */
  readonly refusal?: Outcome & { type: 'refused' };
}

/** Never rejects. Calls that wait for one server's list share one listing. */
export function recheck(box: Box, call: ToolCall, route: ViewRoute, find: (box: Box, call: ToolCall) => ViewRoute | undefined): Promise<Rechecked> {
  const { connector } = route;
  return new Promise((resolve) => {
    const refuse = (code: 'cancelled' | 'upstream_unavailable', message: string): void => resolve({ route, refusal: { type: 'refused', code, message } });
    const unlisten = call.context.cancellation.onCancel(() => refuse('cancelled', 'The call was cancelled while its tool was looked at; nothing was sent.'));
    box
      .confirm(connector, performance.now() - (box.recheckMs ?? 0))
      .then(() => resolve({ route: find(box, call) }))
      .catch((error: unknown) => refuse('upstream_unavailable', `The call was not made, since it could not be found out whether the tool is still the one that was reviewed (${(error as Error).message}).`))
      .finally(unlisten);
  });
}
