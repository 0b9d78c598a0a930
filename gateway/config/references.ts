/**
 * References to secrets in a text: `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}`; `$${` stands for a plain `${`.
 * The grammar only; `secrets.ts` resolves them.
 */
export type TextPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'env'; readonly name: string; readonly fallback?: string }
  | { readonly type: 'file'; readonly path: string }
  /** `${` and what follows, that is none of the above. `kind` is the word before a colon, or the whole. */
  | { readonly type: 'unknown'; readonly kind: string };

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function parseReferences(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let plain = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) break;
    plain += text.slice(at, dollar);
    if (text.startsWith('$${', dollar)) {
      plain += '${';
      at = dollar + 3;
      continue;
    }
    if (text[dollar + 1] !== '{') {
      plain += '$';
      at = dollar + 1;
      continue;
    }
    if (plain !== '') parts.push({ type: 'text', text: plain });
    plain = '';
    const end = text.indexOf('}', dollar);
    parts.push(end === -1 ? { type: 'unknown', kind: '' } : parseReference(text.slice(dollar + 2, end)));
    at = end === -1 ? text.length : end + 1;
  }
  plain += text.slice(at);
  if (plain !== '') parts.push({ type: 'text', text: plain });
  return parts;
}

function parseReference(inside: string): TextPart {
  const colon = inside.indexOf(':');
  const kind = colon === -1 ? inside : inside.slice(0, colon);
  const rest = colon === -1 ? '' : inside.slice(colon + 1);
  if (kind === 'file' && rest.trim() !== '') return { type: 'file', path: rest };
  if (kind === 'env') {
    const [name = '', ...fallback] = rest.split(':-');
    if (ENV_NAME.test(name)) return fallback.length === 0 ? { type: 'env', name } : { type: 'env', name, fallback: fallback.join(':-') };
  }
  return { type: 'unknown', kind };
}

export const hasReference = (text: string): boolean =>
  parseReferences(text).some((part) => part.type === 'env' || part.type === 'file');

/** Names that editors fill in by themselves and that are no environment variables. */
const EDITOR_VARIABLES = new Set(['workspaceFolder', 'workspaceFolderBasename', 'userHome', 'pathSeparator', 'cwd', 'workspaceRoot']);

/**
 * The bare form of IDE files, `${NAME}` and `${NAME:-default}`, as `${env:NAME}`. Names in `literal` are left to the
 * program that reads them: escaped, so that they arrive as they are.
 */
export const withEnvPrefix = (text: string, literal: readonly string[] = []): string =>
  text.replaceAll(/(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}/g, (whole, escape: string, name: string, fallback = '') => {
    if (escape !== '' || EDITOR_VARIABLES.has(name)) return whole;
    return literal.includes(name) ? `$${whole}` : `\${env:${name}${fallback as string}}`;
  });
