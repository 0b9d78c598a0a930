/** A tool as its upstream describes it, and the route by which the gateway offers it. */
import { canonicalJson, sha256Hex, type JsonObject } from './json.ts';

/** What an upstream said of one tool. `definition` is kept whole: fields this version does not know pass through. */
export interface UpstreamTool {
  readonly name: string;
  readonly definition: JsonObject;
}

/** Public name -> connector, upstream name, fingerprint. Policy speaks of the route, never of the name that was asked for. */
export interface Route {
  /** `server/tool`: operator's server id, then the tool's upstream name. What rules, limits and records name. */
  readonly ref: string;
  readonly server: string;
  readonly tool: string;
  /** The name that this principal sees in this profile. */
  readonly publicName: string;
  /** SHA-256 (hex) over the canonical JSON of the parts that matter for trust. */
  readonly fingerprint: string;
  readonly definition: JsonObject;
  /** The operator's labels, sorted; absent where there are none. */
  readonly labels?: readonly string[];
}

const FINGERPRINTED = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const;

/** What of a definition the fingerprint covers: what a model or a person goes by. */
export function reviewedParts(definition: JsonObject): JsonObject {
  const parts: JsonObject = {};
  for (const key of FINGERPRINTED) {
    const value = Object.hasOwn(definition, key) ? definition[key] : undefined;
    if (value !== undefined) parts[key] = value;
  }
  return parts;
}

/** SHA-256 over canonical JSON (RFC 8785) of name, title, description, schemas and annotations. */
export const fingerprint = (definition: JsonObject): string => sha256Hex(canonicalJson(reviewedParts(definition)));
