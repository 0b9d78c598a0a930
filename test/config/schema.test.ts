import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jsonSchemaText, SCHEMA_FILE } from '../../gateway/config/json-schema.ts';

type Node = { [key: string]: unknown; properties?: Record<string, Node> };

test('the shipped JSON Schema is the current one [CONF-5]', () => {
  expect(readFileSync(SCHEMA_FILE, 'utf8'), 'run: node gateway/config/json-schema.ts').toBe(jsonSchemaText());
});

/** Every member that an author can write. */
function members(node: Node, path: string): [string, Node][] {
  const inner = [node['items'], node['additionalProperties']].filter((one): one is Node => typeof one === 'object' && one !== null);
  return [
    ...Object.entries(node.properties ?? {}).flatMap(([name, member]): [string, Node][] => [[`${path}.${name}`, member], ...members(member, `${path}.${name}`)]),
    ...inner.flatMap((one) => members(one, `${path}[]`)),
  ];
}

test('every field is described with an example, and those with a unit name it [CONF-5]', () => {
  const all = members(JSON.parse(jsonSchemaText()) as Node, '');
  expect(all.length).toBeGreaterThan(60);
  for (const [path, member] of all) {
    expect(member['description'], path).toMatch(/\w.*\.$/s);
    expect(member['examples'] ?? (member.properties === undefined ? undefined : []), path).toBeDefined();
    if (path.endsWith('Ms')) expect(member['description'], path).toContain('milliseconds');
    if (path.endsWith('Bytes')) expect(member['description'], path).toContain('bytes');
  }
});

test('the reference page names every field', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  for (const [path] of members(JSON.parse(jsonSchemaText()) as Node, '')) {
    expect(page, path).toContain(`\`${path.split('.').at(-1)}\``);
  }
});
