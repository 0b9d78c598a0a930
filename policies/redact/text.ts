/**
 * Well-known secrets inside a text, replaced. It recognises shapes; a secret without one needs a telling name.
 * Long hex and base64 runs are left alone: they are digests, ids and content far more often than secrets (random.ts judges
 * those whose name may tell).
 */

export const REDACTED = '[redacted]';
export const MAX_TEXT_CHARS = 4096;

/**
 * Tokens with a prefix of their own. Linear: a match can begin only where no letter or digit stands before it, each
 * alternative is a literal and one character class, and what the class has taken is taken by the match or below its minimum.
 */
const TOKEN = new RegExp(
  `(?<![A-Za-z0-9])(?:${[
    'sbx_[A-Za-z0-9_.-]{12,}', // our own keys
    '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}', // AWS
    'gh[pousr]_[A-Za-z0-9]{20,}', // GitHub
    'github_pat_[A-Za-z0-9_]{20,}',
    'gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_.-]{16,}', // GitLab
    'xox[abeoprs]-[A-Za-z0-9-]{10,}', // Slack
    'xapp-[A-Za-z0-9-]{10,}',
    'sk-[A-Za-z0-9_-]{20,}', // OpenAI, Anthropic
    '[sr]k_(?:live|test)_[A-Za-z0-9]{10,}', // Stripe
    'whsec_[A-Za-z0-9+/=]{16,}',
    'AIza[A-Za-z0-9_-]{30,}', // Google
    'ya29\\.[A-Za-z0-9_-]{20,}',
    'GOCSPX-[A-Za-z0-9_-]{20,}',
    'npm_[A-Za-z0-9]{30,}',
    'hf_[A-Za-z0-9]{30,}',
  ].join('|')})`,
  'g',
);

/** RFC 7519; cut short or not. Begins only at the start of a run of its characters, so each run is read once. */
const JWT = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,2}/g;
/** RFC 7468. A key without an end is cut off: the rest of the text goes with it, so no start is tried in vain. */
const PEM = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g;
/** RFC 6750. */
const BEARER = /(bearer\s{1,8})[A-Za-z0-9._~+/=-]{16,}/gi;
/** RFC 3986, userinfo. */
const URL_PASSWORD = /(:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,256}@/g;

const QUOTED = `"[^"]*"?|'[^']*'?`;
/** `Authorization: Basic x y`, `Cookie: a=b; c=d`: the rest of the line. */
const HEADER = new RegExp(`((?:authorization|cookie)["']?\\s{0,8}[:=]\\s{0,8})(?:${QUOTED}|[^\\r\\n"']+)`, 'gi');
/** `password=x`, `"api_key": "x y"`. */
const ASSIGNED = new RegExp(
  `((?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|token|credentials?)["']?\\s{0,8}[:=]\\s{0,8})(?:${QUOTED}|[^\\s"',;&]+)`,
  'gi',
);

/** One pass that most texts end at: none of the shapes can be in a text in which this finds nothing. */
const SUSPECT =
  /sbx_|A(?:KIA|SIA|BIA|CCA|Iza)|gh[pousr]_|github_|gl[a-z]{2,4}-|xox|xapp-|sk-|k_(?:live|test)_|whsec_|ya29\.|GOCSPX|npm_|hf_|eyJ|-----BEGIN|:\/\//;
/** Words that stand before a secret, whatever their case. */
const TELLING = /bearer|passw|passphrase|secret|key|token|credential|authorization|cookie/i;

/** Replaces secrets; does not shorten. Linear in the text. */
export function redactSecrets(text: string): string {
  if (text.length < 8 || !(SUSPECT.test(text) || TELLING.test(text))) return text;
  return text
    .replace(PEM, REDACTED)
    .replace(HEADER, `$1${REDACTED}`)
    .replace(BEARER, `$1${REDACTED}`)
    .replace(JWT, REDACTED)
    .replace(TOKEN, REDACTED)
    .replace(URL_PASSWORD, `$1${REDACTED}@`)
    .replace(ASSIGNED, `$1${REDACTED}`);
}

/** More is read than is kept, so that a secret on the edge is recognised before it is cut. */
const EDGE_CHARS = 1024;

const AS_IT_IS = (text: string): string => text;

/**
 * Replaces secrets, and cuts what is longer than `maxChars`, saying how long it was.
 * @param hide replaces what has no shape (known.ts), before anything else is looked for
 */
export function redactText(text: string, maxChars = MAX_TEXT_CHARS, hide = AS_IT_IS): string {
  if (text.length <= maxChars) return redactSecrets(hide(text));
  const whole = text.length <= maxChars + EDGE_CHARS;
  const seen = redactSecrets(hide(whole ? text : text.slice(0, maxChars + EDGE_CHARS)));
  const end = Math.max(0, Math.min(maxChars, whole ? seen.length : seen.length - EDGE_CHARS));
  return `${seen.slice(0, end).toWellFormed()}…(${Buffer.byteLength(text)} bytes)`;
}
