/** Whether a value by a name seems to be a credential. A guess, for warnings and for imports: never for deciding. */
const SECRET_NAME = /(?:^|[_\-.])(?:key|keys|token|secret|password|passwd|pwd|pass|auth|authorization|credential|credentials|cookie|pat|dsn|apikey|accesskey|private)(?:$|[_\-.])|apikey|api_key|accesstoken|secret|password/i;

/** Prefixes that issuers give to their tokens, and the shapes of JWT, PEM and credentials within a URL. */
const SECRET_VALUE = /^(?:Bearer|Basic|Token)\s+\S|(?:^|[^A-Za-z0-9])(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abpors]|AKIA|ASIA|AIza|hf|npm|pypi|dop_v1|shpat|SG|tvly|sbp|lin_api|ntn|secret)[-_.A-Z0-9][A-Za-z0-9_\-.]{7,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+|-----BEGIN|:\/\/[^/\s:@]*:[^/\s@]+@/;

/** Long, unbroken, of several kinds of characters: what random keys look like and words do not. */
function looksRandom(value: string): boolean {
  if (value.length < 24 || !/^[A-Za-z0-9+/_=-]+$/.test(value) || !/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  if (value.startsWith('/') || /[a-z]{12,}/.test(value)) return false;
  return new Set(value).size >= 10;
}

export function looksSecret(name: string, value: string): boolean {
  if (value === '' || /^(?:true|false|\d{1,5}|https?:\/\/[^\s:@]+(?::\d+)?(?:\/[^\s@?]*)?)$/i.test(value)) return false;
  if (SECRET_VALUE.test(value) || looksRandom(value)) return true;
  // A path to a key is no key.
  return SECRET_NAME.test(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')) && !/^(?:[.~]?\.?\/|[A-Za-z]:\\)/.test(value);
}
