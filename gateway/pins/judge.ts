/** The standing of every tool of the catalog, when the catalog is made: a call pays nothing for it. */
import type { Standing } from '../../core/pin.ts';
import type { Settings } from '../../core/settings.ts';
import { createNameRegister, standingOf } from '../../policies/index.ts';
import type { CatalogEntry, Judge } from '../catalog/catalog.ts';
import { prefixedName } from '../catalog/names.ts';
import type { Pins } from './pins.ts';

/** Earlier servers of the configuration come first: adding one at the end takes no name from another. */
export function createJudge({ pins: { mode }, scan }: Settings, pins: Pins): Judge {
  const modes = { pins: mode, scan: scan.mode };
  return (lists) => {
    const { file, problem } = pins.reading();
    const names = createNameRegister(pins.likenesses);
    const publicNames = new Map<string, string>();
    const standings = new Map<CatalogEntry, Standing>();

    function judge(entry: CatalogEntry): void {
      const publicName = prefixedName(entry.server, entry.tool);
      const taken = publicNames.get(publicName);
      const nameProblem = taken === undefined ? names.refuse(entry.server, entry.tool) : { why: `its public name "${publicName}" is that of "${taken}"`, isFinal: true };
      const pinned = file.tools.get(entry.ref);
      const standing = standingOf({ fingerprint: entry.fingerprint, pinned, lockProblem: problem, findings: () => pins.findings(entry.definition), nameProblem }, modes);
      standings.set(entry, standing);
      if (standing.type === 'quarantined') return;
      names.hold(entry.server, entry.tool);
      publicNames.set(publicName, entry.ref);
    }

    for (const { connector, entries } of lists) {
      const isPinned = ({ ref, fingerprint }: CatalogEntry): boolean => file.tools.get(ref)?.fingerprint === fingerprint;
      // What was reviewed keeps its name, whatever the server lists ahead of it.
      for (const entry of entries) if (isPinned(entry)) judge(entry);
      for (const entry of entries) if (!standings.has(entry)) judge(entry);
      if (entries.length === 0) for (const name of pins.lastNames.get(connector.id) ?? []) names.hold(connector.id, name);
      else pins.lastNames.set(connector.id, entries.filter((entry) => standings.get(entry)?.type !== 'quarantined').map(({ tool }) => tool));
    }
    pins.tell(new Map([...standings].flatMap(([{ ref }, standing]) => (standing.type === 'clear' ? [] : [[ref, standing] as const]))));
    return standings;
  };
}
