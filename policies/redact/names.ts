/**
 * Whether a member's name says that its value is a secret. Spelling (case, `-`, `_`, `.`, spaces) does not matter.
 */
import { compilePatterns, type Matcher } from '../../core/pattern.ts';

/** Found anywhere in a name. Literals only, so the test is linear. */
const ANYWHERE =
  /password|passwd|passphrase|passcode|secret|apikey|accesskey|privatekey|signingkey|encryptionkey|masterkey|sshkey|credential|cookie|authorization|bearer/;
/** The whole name, or its end. */
const AT_THE_END = /(?:^pwd|^auth|^jwt|^otp|^session|sessionid|sessionkey|sessiondata|token|tokenvalue)$/;
/** Ends like a secret and is none: cursors and progress. */
const HARMLESS = /(?:page|next|previous|prev|continuation|cursor|sync|progress|max|stop)token$/;

const MAX_NAME_CHARS = 256;
const MAX_REMEMBERED = 2000;

/** Names of secrets and of much else: what stands under them counts as a secret where it looks random. */
const PERHAPS = /(?:key|auth|pass|pat|pin|pwd|code|sig|signature|hmac|salt|seed|cert|dsn|license|value|header|token)$/;

/** `secret` whatever the value is; `perhaps` where the value looks like one; `no`. */
export type NameTest = (name: string) => 'secret' | 'perhaps' | 'no';

export function createNameTest(extraPatterns: readonly string[]): NameTest {
  const extra: Matcher = extraPatterns.length === 0 ? () => false : compilePatterns(extraPatterns.map(plain));
  const judge: NameTest = (name) => {
    const word = plain(name);
    if (ANYWHERE.test(word) || (AT_THE_END.test(word) && !HARMLESS.test(word)) || extra(word)) return 'secret';
    return PERHAPS.test(word) && !HARMLESS.test(word) ? 'perhaps' : 'no';
  };
  const remembered = new Map<string, ReturnType<NameTest>>();
  return (name) => {
    if (name.length > MAX_NAME_CHARS) return judge(name);
    const known = remembered.get(name);
    if (known !== undefined) return known;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    const answer = judge(name);
    remembered.set(name, answer);
    return answer;
  };
}

const plain = (name: string): string => name.toLowerCase().replace(/[-_.\s]/g, '');
