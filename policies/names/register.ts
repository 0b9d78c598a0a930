/**
 * Names of tools as they are registered, earlier servers first: one that can be taken for another that is there already
 * is refused. The very same name on two servers is no offence, since public names carry the server's id.
 */
import { printable } from '../../core/text.ts';
import { holdsInvisible, likenesses } from './skeleton.ts';

export interface NameRegister {
  /** Why the name is refused; `undefined` where nothing speaks against it. */
  refuse(server: string, name: string): NameProblem | undefined;
  /** Holds the name for a server, so that a later one cannot have one like it. */
  hold(server: string, name: string): void;
}

export interface NameProblem {
  readonly why: string;
  /** No review makes the name a good one. */
  readonly isFinal: boolean;
}

interface Holder {
  readonly server: string;
  readonly name: string;
}

/** For one building of the catalog. @param likenessesOf may remember what it said */
export function createNameRegister(likenessesOf: (name: string) => readonly string[] = likenesses): NameRegister {
  const held = new Map<string, Holder>();
  return {
    refuse(server, name) {
      if (holdsInvisible(name)) return { why: `its name holds characters that nobody sees: "${printable(name)}"`, isFinal: true };
      for (const likeness of likenessesOf(name)) {
        const other = held.get(likeness);
        if (other === undefined || other.name === name) continue;
        const whose = other.server === server ? 'of the same server' : `of server "${other.server}"`;
        return { why: `its name "${printable(name)}" can be taken for the tool "${printable(other.name)}" ${whose}`, isFinal: false };
      }
      return undefined;
    },
    hold(server, name) {
      for (const likeness of likenessesOf(name)) if (!held.has(likeness)) held.set(likeness, { server, name });
    },
  };
}
