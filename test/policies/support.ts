import type { DecisionRequest } from '../../core/decision.ts';
import type { JsonObject } from '../../core/json.ts';

export interface RequestParts {
  caller?: string;
  tenant?: string;
  roles?: string[];
  tool?: string;
  args?: JsonObject;
  profile?: string;
}

/** A call as the gateway hands it to policy. */
export function requestOf({ caller = 'alice', tenant = 'acme', roles = [], tool = 'files/read_file', args = {}, profile }: RequestParts = {}): DecisionRequest {
  const [server = '', ...name] = tool.split('/');
  return {
    principal: { id: caller, tenant, roles, proof: 'key' },
    route: { ref: tool, server, tool: name.join('/'), publicName: tool.replace('/', '__'), fingerprint: 'f', definition: {} },
    args,
    origin: { face: 'mcp', protocolVersion: '2026-07-28' },
    profile,
  };
}
