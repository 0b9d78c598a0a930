/**
 * The JSON Schema that editors complete and check `signalbox.yaml` with, made from the zod schema. Run as a script it
 * writes `schema/signalbox.schema.json`; a test holds that the shipped file is current.
 */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { configSchema } from './schema.ts';

export const SCHEMA_FILE = new URL('../../schema/signalbox.schema.json', import.meta.url);

/** Draft 7: what the YAML and JSON language servers of editors understand in full. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-07' }) as { properties: Record<string, unknown> };
  const servers = schema.properties['servers'] as { description: string };
  // The synonym is no member of the zod schema: it is renamed before that sees it.
  const mcpServers = { ...servers, description: `Another name for "servers", as IDEs write it. ${servers.description}` };
  return `${JSON.stringify({ ...schema, properties: { ...schema.properties, mcpServers } }, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, jsonSchemaText());
