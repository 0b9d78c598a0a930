/** Says in words why a command could not be started, and what to do about it. Starts nothing itself. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';

interface Attempt {
  readonly command: string;
  readonly cwd: string | undefined;
  readonly path: string;
}

/** The problem with a command, or `undefined` where it looks startable. */
export function commandProblem({ command, cwd, path }: Attempt): string | undefined {
  if (cwd !== undefined && !isDirectory(cwd)) return `its working directory "${cwd}" does not exist; create it or correct "cwd"`;
  if (command.includes('/') || command.includes('\\')) {
    const file = isAbsolute(command) ? command : resolve(cwd ?? '.', command);
    if (isExecutable(file)) return undefined;
    return exists(file)
      ? `command "${command}" is not executable; allow it with chmod +x`
      : `command "${command}" does not exist; correct "command", or install it`;
  }
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  if (folders.some((folder) => isExecutable(join(folder, command)))) return undefined;
  const near = nearest(command, folders);
  return `command "${command}" was not found on PATH; ${near === undefined ? '' : `did you mean "${near}"? Otherwise `}install it, or give its full path in "command"`;
}

/** A child that never came to be: the system's error, in words. */
export function spawnProblem(error: NodeJS.ErrnoException, attempt: Attempt): string {
  const known = commandProblem(attempt);
  if (known !== undefined) return known;
  if (error.code === 'EACCES') return `command "${attempt.command}" may not be executed by this user; check its permissions`;
  if (error.code === 'E2BIG') return `command "${attempt.command}" could not be started: its arguments and environment are too long`;
  if (error.code === 'EAGAIN' || error.code === 'EMFILE' || error.code === 'ENOMEM')
    return `command "${attempt.command}" could not be started: the system is out of processes, files or memory (${error.code})`;
  return `command "${attempt.command}" could not be started (${error.code ?? error.message})`;
}

function nearest(command: string, folders: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(2, Math.floor(command.length / 2)) + 1;
  for (const folder of folders) {
    for (const name of namesIn(folder)) {
      if (Math.abs(name.length - command.length) >= bestDistance) continue;
      const far = distance(name, command);
      if (far < bestDistance) [best, bestDistance] = [name, far];
    }
  }
  return best;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function exists(file: string): boolean {
  try {
    return statSync(file) !== undefined;
  } catch {
    return false;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
