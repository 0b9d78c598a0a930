/** An error of SQLite or the file system in words that an operator can act on. */
const WORDS: readonly (readonly [prefix: string, words: string])[] = [
  ['SQLITE_FULL', 'the disk is full'],
  ['ENOSPC', 'the disk is full'],
  ['SQLITE_BUSY', 'another program holds the database locked'],
  ['SQLITE_LOCKED', 'another program holds the database locked'],
  ['SQLITE_READONLY', 'the database cannot be written: it, its folder or its file system is read-only'],
  ['SQLITE_CORRUPT', 'the database is damaged'],
  ['SQLITE_NOTADB', 'the file is no SQLite database, or is damaged'],
  ['SQLITE_CANTOPEN', 'the database cannot be opened: look at the folder and its permissions'],
  ['SQLITE_IOERR', 'the disk answers with errors'],
];

export function problemText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const words = WORDS.find(([prefix]) => code.startsWith(prefix))?.[1];
  return words === undefined ? error.message : `${words} (${code}: ${error.message})`;
}
