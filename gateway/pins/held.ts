/** Quarantined tools by the names that callers may ask for them: for the operator's eyes, never for the answer. */
import type { ProfileSettings } from '../../core/settings.ts';
import type { Box } from '../box.ts';
import type { JudgedEntry } from '../catalog/catalog.ts';
import { plainName, prefixedName } from '../catalog/names.ts';

/** The quarantined tool that a name would have led to. */
export function heldAs(box: Box, name: string, profileId: string | undefined): JudgedEntry | undefined {
  const { held } = box.catalog();
  if (held.length === 0) return undefined;
  const profile = box.settings.profiles.find(({ id }) => id === profileId);
  return held.find((entry) => namesOf(entry, profile).includes(name));
}

function namesOf({ ref, server, tool }: JudgedEntry, profile: ProfileSettings | undefined): string[] {
  const override = profile !== undefined && Object.hasOwn(profile.tools, ref) ? profile.tools[ref]?.name : undefined;
  return [prefixedName(server, tool), ...(override === undefined ? [] : [override]), ...(profile?.names === 'plain' ? [plainName(server, tool)] : [])];
}
