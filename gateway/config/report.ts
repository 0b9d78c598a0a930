/** Collects mistakes as members of the configuration, and puts a file and a position to each. */
import type { Path, Position, Problem } from './problem.ts';
import { formatPath } from './problem.ts';
import { createLineIndex, findSpot, type SourceFault, type Spot } from './source.ts';

export interface Report {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** `at` says whether the key or the value is to blame. A member that is missing is placed at the one around it. */
  problem(path: Path, at: 'key' | 'value', message: string, hint?: string): void;
  warning(path: Path, at: 'key' | 'value', message: string, hint?: string): void;
  fault(fault: SourceFault): void;
  position(path: Path, at: 'key' | 'value'): Position;
}

/** `rename` turns a path of the meaning into one of the text, where a synonym was used. */
export function createReport(file: string, text: string, root: Spot, rename: (path: Path) => Path): Report {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const lines = createLineIndex(text);
  const position = (path: Path, at: 'key' | 'value') => {
    const { spot, found } = findSpot(root, rename(path));
    return lines(found && at === 'value' ? spot.value : spot.key);
  };
  const make = (path: Path, where: Position, message: string, hint: string | undefined): Problem => ({
    file, ...where, path: formatPath(rename(path)), message, ...(hint === undefined ? {} : { hint }),
  });
  return {
    problems,
    warnings,
    position,
    problem: (path, at, message, hint) => void problems.push(make(path, position(path, at), message, hint)),
    warning: (path, at, message, hint) => void warnings.push(make(path, position(path, at), message, hint)),
    fault: ({ offset, path, message, hint }) => void problems.push(make(path, lines(offset), message, hint)),
  };
}
