/** Which of the known IDE files are on this machine. */
import { statSync } from 'node:fs';
import { CLIENTS, type Client, type Location, type Machine } from './known.ts';

export interface FoundConfig extends Location {
  readonly client: Client;
}

/** In the order of `CLIENTS`, the user's file before the project's. */
export function findClientConfigs(machine: Machine): FoundConfig[] {
  return CLIENTS.flatMap((client) =>
    client.locations(machine).filter(({ path }) => isFile(path)).map((location) => ({ ...location, client })));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
