/** A server that has been reached: the link to it, how it is spoken to, what it offers. Replaced whole, never mended. */
import type { JsonObject } from '../core/json.ts';
import type { Dialect } from './era/dialect.ts';
import type { Link } from './link.ts';
import type { ToolList } from './tool-list.ts';

export interface Connection {
  readonly link: Link;
  /** Another after the upstream's session was opened again. */
  dialect: Dialect;
  list: ToolList;
  /** Counts the handshakes on this link: what an answer says of an older session says nothing of the present one. */
  handshakes: number;
  readonly nextId: () => number;
  /** Who wants the progress of which request. Keyed by our own ids, which serve as progress tokens. */
  readonly progress: Map<number, (params: JsonObject) => void>;
  /** Calls under way on it. */
  users: number;
  /** Called when the last of them has ended. */
  idle: (() => void) | undefined;
}
