/**
 * Texts that are after secrets. `high` is the whole deed: read a file that holds keys, and hand over what it says; the
 * mere name of such a file or an argument called "password" is `low`.
 */
import type { Said } from './instructions.ts';
import { compilePhrase, createPhraseBook } from './phrase.ts';
import { unleet } from './words.ts';

/** Dot files, told from plain words ("env", "cursor") before the dot is lost. */
const DOT_FILE = /(^|[\s"'`/\\~(<[,:])\.(env|ssh|aws|cursor|netrc|npmrc|pgpass|gnupg|kube|pypirc)(?![a-z0-9])/gi;
export const nameDotFiles = (text: string): string => (text.includes('.') ? text.replace(DOT_FILE, '$1 dotfile$2 ') : text);

const FILES = ['dotfilessh', 'dotfileaws', 'dotfilenetrc', 'dotfilenpmrc', 'dotfilepgpass', 'dotfilegnupg', 'dotfilekube', 'dotfilepypirc', 'dotfilecursor', 'id rsa', 'id ed25519', 'id ecdsa', 'id dsa', 'etc passwd', 'etc shadow', 'mcp json', 'claude desktop config', 'git credentials', 'aws credentials', 'bash history', 'ssh private|public key|keys', 'ssh key|keys', 'wallet dat'];
const OPEN_FILE = 'dotfileenv';

const findFiles = createPhraseBook<string>([...FILES, OPEN_FILE].map((file) => [file, file]));
const FILE_PHRASES = [...FILES, OPEN_FILE].map((file) => ({ phrase: compilePhrase(file), isOpen: file === OPEN_FILE }));
const BY_FIRST_WORD = Map.groupBy(
  FILE_PHRASES.flatMap((one) => one.phrase.first.map((word) => ({ word, ...one }))),
  ({ word }) => word,
);
const READS = new Set(['read', 'open', 'cat', 'fetch', 'retrieve', 'extract', 'collect', 'grab', 'copy', 'include', 'access', 'obtain', 'send', 'pass'].map(unleet));
const HANDS_OVER = new Set(['pass', 'send', 'include', 'provide', 'put', 'attach', 'append', 'submit', 'upload', 'paste', 'supply', 'forward', 'post', 'insert', 'encode', 'transmit', 'share', 'exfiltrate', 'place'].map(unleet));
const WHAT = new Set(['content', 'contents', 'it', 'its', 'them', 'data', 'output'].map(unleet));
const INTO = new Set(['parameter', 'argument', 'param', 'field', 'sidenote', 'note', 'notes', 'context', 'metadata'].map(unleet));
const BEFORE = 10;
const AFTER = 24;

const findAsking = createPhraseBook<string>([
  ['pass|provide|include|enter|send|supply|give ~3 your|users|user|the ~2 password|passwords|passphrase|credentials', 'asks for a password'],
  ['pass|provide|include|enter|send|supply|give ~3 your|users|user|the ~2 api|secret|access|private|ssh key|keys|token|tokens', 'asks for a key'],
  ['include|send|pass|provide|append ~3 environment variables', 'asks for environment variables'],
  ['seed|recovery phrase', 'speaks of a wallet\'s recovery phrase'],
]);

/** @param words of the text after `nameDotFiles` */
export function findSecretsAsked(words: readonly string[]): Said[] {
  const found: Said[] = findAsking(words).map(({ about, words: matched }) => ({ severity: 'low', message: `${about}: "${matched}"` }));
  for (const { words: file } of findFiles(words)) found.push({ severity: 'low', message: `names a file that holds secrets: "${shownFile(file)}"` });
  const deed = findDeed(words);
  if (deed !== undefined) found.push({ severity: 'high', message: `has secrets read and handed over: "${deed}"` });
  return found;
}

const shownFile = (words: string): string => words.replaceAll('dotfile', '.');

function findDeed(words: readonly string[]): string | undefined {
  for (let at = 0; at < words.length; at++) {
    const starting = BY_FIRST_WORD.get(words[at] as string);
    if (starting === undefined) continue;
    for (const { phrase, isOpen } of starting) {
      if (phrase.end(words, at) === -1) continue;
      const from = Math.max(0, at - BEFORE);
      const to = Math.min(words.length, at + AFTER);
      const isRead = words.slice(from, at).some((one) => READS.has(one));
      if (!isRead || !handsOver(words, from, to)) continue;
      if (isOpen && !words.slice(from, to).some((one) => INTO.has(one))) continue;
      return shownFile(words.slice(from, Math.min(to, from + 20)).join(' '));
    }
  }
  return undefined;
}

/** A verb of handing over, and within five words what is handed over. */
function handsOver(words: readonly string[], from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    if (!HANDS_OVER.has(words[at] as string)) continue;
    for (let next = at + 1; next < Math.min(to, at + 6); next++) if (WHAT.has(words[next] as string)) return true;
  }
  return false;
}

const SECRET_NAMES = compileNames(['password', 'passwd', 'passphrase', 'secret', 'credential', 'credentials', 'api key', 'apikey', 'private key', 'privatekey', 'secret key', 'access token', 'auth token', 'refresh token', 'bearer token', 'ssh key', 'seed phrase']);
const FILE_NAMES = compileNames(['id rsa', 'id ed25519', 'etc passwd', 'etc shadow', 'mcp json', 'aws credentials', 'ssh key', 'dotfilessh']);
const CONTENTS = new Set(['content', 'contents', 'read', 'reading', 'data'].map(unleet));

function compileNames(names: readonly string[]): (words: readonly string[]) => boolean {
  const find = createPhraseBook<string>(names.map((name) => [name, name]));
  return (words) => find(words).length > 0;
}

/** The name of an argument: models fill in what it says. */
export function findSecretsInName(words: readonly string[]): Said[] {
  if (words.some((word) => CONTENTS.has(word)) && FILE_NAMES(words)) return [{ severity: 'high', message: `an argument asks for the contents of a file that holds secrets: "${words.join(' ')}"` }];
  return SECRET_NAMES(words) ? [{ severity: 'low', message: `an argument asks for a secret: "${words.join(' ')}"` }] : [];
}
