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

export function createNameTest(extraPatterns: readonly string[]): (name: string) => boolean {
  const extra: Matcher = extraPatterns.length === 0 ? () => false : compilePatterns(extraPatterns.map(plain));
  const judge = (name: string): boolean => {
    const word = plain(name);
    return ANYWHERE.test(word) || (AT_THE_END.test(word) && !HARMLESS.test(word)) || extra(word);
  };
  const remembered = new Map<string, boolean>();
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
