/** Upstreams. What the hall may use of this room. */
export { createMcpConnector, type McpConnectorOptions } from './mcp.ts';
export { createReaper, type Reaper } from './stdio/reaper.ts';
