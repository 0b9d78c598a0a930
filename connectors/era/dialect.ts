/** What differs between the eras once a server is known: how a request is written. One dialect for each connection. */
import type { Invocation } from '../../core/connector.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Agreement } from '../link.ts';

export interface Written {
  readonly text: string;
  /** HTTP only: header lines, each with its line break. */
  readonly fields?: string;
}

export interface Dialect extends Agreement {
  readonly serverInfo: JsonObject | undefined;
  readonly capabilities: JsonObject;
  write(id: number, method: string, params: JsonObject): Written;
  /** `paramHeaders`: the `Mcp-Param-*` of this call, names and values in turn. */
  writeCall(id: number, invocation: Invocation, paramHeaders: readonly string[]): Written;
}
