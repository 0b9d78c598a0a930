/** IDE clients on this machine: found, imported from, connected. What others may use of this folder. */
export { CLIENTS, clientById } from './known.ts';
export type { Client, ClientId, ConnectTarget, Location, Machine } from './known.ts';
export { findClientConfigs } from './find.ts';
export type { FoundConfig } from './find.ts';
export { importServers } from './import.ts';
export type { Imported, ImportOptions, ImportResult } from './import.ts';
export type { NeededVariable } from './imported-secrets.ts';
export type { ServerEntry } from './entries.ts';
export { connectEntry } from './connect.ts';
export { mergeConnectEntry } from './write.ts';
export type { MergeOptions, MergeResult } from './write.ts';
export { renderConfig } from './render.ts';
export type { RenderOptions } from './render.ts';
