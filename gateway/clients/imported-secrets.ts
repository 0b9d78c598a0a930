/**
 * Credentials of an imported server as references: each literal that seems to be one is replaced by `${env:NAME}`, and
 * the variables to set are collected. Guesses in favour of replacing: a variable too many costs a line, one too few
 * puts a secret into a file.
 */
import { looksSecret } from '../config/secret-looking.ts';

/** A variable that must be set before the gateway starts. */
export interface NeededVariable {
  readonly name: string;
  readonly server: string;
  /** `env.GITHUB_TOKEN`, `headers.Authorization`, `args[2]` or `url`. */
  readonly member: string;
  /** Whether its value stands in the IDE's file; else the IDE took it from elsewhere. */
  readonly inFile: boolean;
}

export interface References {
  value(kind: 'env' | 'headers', name: string, text: string): string;
  /** `own`: variables that the entry gives to the program; a `${NAME}` of these is for the program to read. */
  argument(text: string, before: string | undefined, index: number, own: readonly string[]): string;
  /** `removed`: a user name or password was left out, and the server cannot work without. */
  url(text: string): { readonly text: string; readonly removed: boolean };
}

/** Headers that describe the client or the answer; any other that is written out is taken for a credential. */
const HARMLESS_HEADERS = /^(?:accept|accept-language|user-agent|x-[a-z-]*version|x-client-name|x-request-source)$/i;
const SECRET_FLAG = /^--?[\w-]*(?:key|token|secret|password|passwd|auth|credential|pat)[\w-]*$/i;
const ASSIGNED_SECRET = /^((?:--?)?[\w-]*(?:key|token|secret|password|passwd|auth|authorization|credential|pat)[\w-]*\s*[=:]\s*(?:(?:Bearer|Basic|Token)\s+)?)(\S[\s\S]*)$/i;
const SCHEME = /^((?:Bearer|Basic|Token)\s+)?([\s\S]*)$/i;

export function createReferences(id: string, values: Map<string, string>, needed: NeededVariable[]): References {
  const need = (name: string, member: string, inFile: boolean) => {
    if (!needed.some((one) => one.name === name)) needed.push({ name, server: id, member, inFile });
    return `\${env:${name}}`;
  };
  const hide = (wanted: string, member: string, secret: string) => need(freeVariable(id, wanted, secret, values), member, true);
  const hideValue = (wanted: string, member: string, text: string) => {
    const [, scheme = '', secret = ''] = SCHEME.exec(text) ?? [];
    return `${scheme}${hide(wanted, member, secret)}`;
  };
  /** The references of IDEs as ours, and what is plain text around them. */
  const rewrite = (text: string, member: string, own: readonly string[]) => {
    let count = 0;
    const rewritten = text.replaceAll(/\$\{(?:(env|input):)?([A-Za-z_][\w-]*)(:-[^}]*)?\}/g, (whole, type: string | undefined, word: string, fallback = '') => {
      count++;
      if (type === undefined && own.includes(word)) return `$${whole}`;
      const name = type === 'input' ? variableName(word) : word.replaceAll('-', '_');
      // What the IDE took from elsewhere is not what stands in clear under the same name.
      if (!values.has(name)) values.set(name, whole);
      return fallback === '' ? need(name, member, false) : `\${env:${name}${fallback as string}}`;
    });
    return { rewritten, count, literal: rewritten.replaceAll(/\$\{[^}]*\}/g, '') };
  };
  return {
    value(kind, name, text) {
      const member = `${kind}.${name}`;
      const { rewritten, count, literal } = rewrite(text, member, []);
      if (count > 0 && !looksSecret('', literal)) return rewritten;
      const isSecret = text !== '' && (looksSecret(name, text) || (kind === 'headers' && !HARMLESS_HEADERS.test(name)));
      if (!isSecret) return text.replaceAll('${', '$${');
      return hideValue(kind === 'env' && /^[A-Za-z_]\w*$/.test(name) ? name : variableName(`${id}_${name}`), member, text);
    },
    argument(text, before, index, own) {
      const member = `args[${index}]`;
      const { rewritten, count, literal } = rewrite(text, member, own);
      if (count > 0 && !looksSecret('', literal)) return rewritten;
      const [, head, secret] = ASSIGNED_SECRET.exec(text) ?? [];
      if (head !== undefined && secret !== undefined && !/^(?:true|false|\d{1,5})$/i.test(secret)) return `${head}${hide(variableName(`${id}_${head}`), member, secret)}`;
      const afterFlag = before !== undefined && SECRET_FLAG.test(before) && !text.startsWith('-');
      if (!afterFlag && !looksSecret('', text)) return text.replaceAll('${', '$${');
      return hideValue(variableName(`${id}_${afterFlag ? before : `arg_${index}`}`), member, text);
    },
    url(text) {
      const { rewritten, count } = rewrite(text, 'url', []);
      const url = URL.parse(text);
      if (url === null || count > 0) return { text: rewritten, removed: false };
      const removed = url.username !== '' || url.password !== '';
      const secrets = [...url.searchParams].filter(([name, value]) => looksSecret(name, value));
      if (!removed && secrets.length === 0) return { text, removed };
      url.username = '';
      url.password = '';
      for (const [name] of secrets) url.searchParams.delete(name);
      const added = secrets.map(([name, value]) => `${encodeURIComponent(name)}=${hide(variableName(`${id}_${name}`), 'url', encodeURIComponent(value))}`);
      const [beforeHash = ''] = url.href.split('#');
      return { text: added.length === 0 ? url.href : `${beforeHash}${url.search === '' ? '?' : '&'}${added.join('&')}`, removed };
    },
  };
}

function freeVariable(id: string, wanted: string, secret: string, values: Map<string, string>): string {
  const full = variableName(wanted.toUpperCase().startsWith(variableName(id)) ? wanted : `${id}_${wanted}`);
  for (let count = 1; ; count++) {
    const variable = count === 1 ? wanted : count === 2 ? full : `${full}_${count}`;
    const before = values.get(variable);
    if (before !== undefined && before !== secret) continue;
    values.set(variable, secret);
    return variable;
  }
}

const variableName = (text: string) => text.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '').replace(/^(?=\d|$)/, '_');
