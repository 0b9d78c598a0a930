/**
 * A stdio server as people write them, on the stock SDK with zod schemas: for the cold start, where what it costs to
 * start a real server matters. `--tools N` registers N tools.
 */
import { parseArgs } from 'node:util';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import * as z from 'zod';

const { values } = parseArgs({ options: { tools: { type: 'string', default: '100' } } });
const server = new McpServer({ name: 'bench-upstream-sdk', version: '1.0.0' });

for (let number = 1; number <= Number(values.tools); number += 1) {
  server.registerTool(
    `search_items_${number}`,
    {
      title: `Search items ${number}`,
      description: `Searches collection ${number} and returns a page of matching items with their ids and titles.`,
      inputSchema: {
        project: z.string().min(1).describe('Project key, as it stands in the address of the project page.'),
        query: z.string().optional().describe('Words to look for; all of them must occur. Leave it out to take everything.'),
        state: z.enum(['open', 'closed', 'merged', 'all']).optional().describe('Which state to return.'),
        labels: z.array(z.string()).optional().describe('Labels that every result must carry.'),
        limit: z.number().int().min(1).max(100).optional().describe('Results on one page, at most 100.'),
        range: z
          .object({ from: z.string().describe('First moment, ISO 8601.'), to: z.string().describe('Last moment, ISO 8601.') })
          .optional()
          .describe('Only what was changed within this time.'),
      },
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    ({ project }) => ({ content: [{ type: 'text', text: project }] }),
  );
}
await server.connect(new StdioServerTransport());
process.stdin.on('end', () => process.exit(0));
