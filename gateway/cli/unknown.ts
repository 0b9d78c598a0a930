/** Names on the command line that lead nowhere: what there is instead, and the one that was probably meant. */
import type { Settings } from '../../core/settings.ts';
import { printable } from '../../core/text.ts';
import { didYouMean } from '../config/suggest.ts';
import { CommandError, EXIT } from './exit.ts';

const MAX_SHOWN = 8;

/** `There is no caller "alcie". Did you mean "alice"?` */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  return `There is no ${kind} "${printable(name.slice(0, 100))}". ${didYouMean(name, known) ?? whatThereIs(known)}`;
}

function whatThereIs(known: readonly string[]): string {
  if (known.length === 0) return 'There is none at all.';
  const more = known.length > MAX_SHOWN ? `, and ${known.length - MAX_SHOWN} more` : '';
  return `There ${known.length === 1 ? 'is' : 'are'}: ${known.slice(0, MAX_SHOWN).map(printable).join(', ')}${more}.`;
}

export const unknownCaller = (id: string, { callers }: Settings): CommandError =>
  new CommandError(
    callers.length === 0
      ? `There is no caller "${printable(id)}": the configuration has no "callers", so everybody on this machine is let in as "local".`
      : unknownName('caller', id, callers.map((caller) => caller.id)),
    EXIT.usage,
  );

export interface Entry {
  readonly settings: Settings;
  readonly as: string | undefined;
  readonly profile: string | undefined;
}

/** Why the gateway did not let a command in, in the words of the command line. */
export function refusedEntry({ status, message }: { status: number; message: string }, { settings, as, profile }: Entry): CommandError {
  if (status === 401 && as !== undefined) return unknownCaller(as, settings);
  if (status !== 404) return new CommandError(printable(message));
  const open = settings.callers.find(({ id }) => id === as)?.profiles;
  const known = open ?? settings.profiles.map(({ id }) => id);
  if (profile === undefined) return new CommandError(`Caller "${as}" sees tools through a profile only. Add "--profile NAME". ${whatThereIs(known)}`, EXIT.usage);
  return new CommandError(unknownName(open === undefined ? 'profile' : `profile open to caller "${as}" called`, profile, known), EXIT.usage);
}
