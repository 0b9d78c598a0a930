/**
 * Words that are meant for the model and against the person who uses it. `high` is what no honest server says; what
 * honest ones say too, such as "call this first", is `low`.
 */
import type { Severity } from '../../core/pin.ts';
import { createPhraseBook } from './phrase.ts';

export interface Said {
  readonly severity: Severity;
  readonly message: string;
}

interface About {
  readonly severity: Severity;
  readonly what: string;
}

const about = (severity: Severity, what: string, ...phrases: string[]): [string, About][] => phrases.map((phrase) => [phrase, { severity, what }]);

const EARLIER = 'previous|prior|earlier|preceding|foregoing|above|former';
const ORDERS = 'instructions|instruction|directives|directive|prompts|prompt|guidelines|directions|orders|rules';
const NOT = 'not|dont|never|mustnt|shouldnt';
const USER = 'user|users|human|humans';
const SECRET_VERBS = 'send|sends|forward|forwards|copy|upload|read|include|collect|append|attach|bcc|transmit|call|invoke|exfiltrate';

const findPhrases = createPhraseBook<About>([
  ...about(
    'high',
    'tells the model to set its instructions aside',
    `ignore|disregard|forget|override ~2 ${EARLIER} ~2 ${ORDERS}`,
    `ignore|disregard|forget ~1 your|system|developer|safety ~1 instructions|instruction|prompt|guidelines|training|guardrails|rules`,
    `ignore|disregard|forget ~1 all|any|every ~1 instructions|directives|prompts|guidelines`,
    `ignore|disregard ~1 everything ~2 ${EARLIER}|before|told|said`,
  ),
  ...about(
    'high',
    'tells the model to keep something from the user',
    `${NOT} ~1 tell|inform ~1 ${USER}`,
    `${NOT} ~1 reveal|disclose ~3 to ~1 ${USER}`,
    `without ~1 telling|informing ~1 ${USER}`,
    `${NOT} mention this|that|it|anything|any`,
    `${NOT} let ~1 ${USER} know|notice|see|suspect`,
    `without ~1 ${USER} knowledge|knowing|noticing|awareness|realizing|realising`,
    `keep this|it|that ~2 secret|hidden ~1 from ~1 ${USER}`,
    `conceal ~2 from ~1 ${USER}`,
    `${USER} must|should|may|can|shall not|never know|notice|realize|realise|suspect|learn`,
    `secretly|covertly|surreptitiously|stealthily ~2 ${SECRET_VERBS}`,
  ),
  ...about(
    'high',
    'changes what other calls do',
    'when|whenever|if ~6 is|are|gets invoked|called|used|executed|run|triggered ~3 change|replace|redirect|alter|swap|substitute ~3 recipient|recipients|receiver|address|destination|amount|account|payee|number',
    'even if|when|though ~1 user|users specifies|says|asks|requests|wants|provides|names|gives ~3 another|different|other recipient|recipients|receiver|address|destination|amount|account|number',
  ),
  ...about(
    'high',
    'speaks as if it were the system',
    'important system note|instruction|instructions|directive|message|notice',
    'you are now ~2 dan|jailbroken|unrestricted|unfiltered|uncensored',
    'you are now in ~1 developer|debug|god|maintenance|admin|jailbreak|unrestricted mode',
    'reveal|repeat|print|output|leak|disclose|send|include|append|share ~2 your ~1 system|hidden|initial|original prompt|instructions|message',
  ),
  ...about('low', 'orders the model to call something first', 'before using|calling|invoking|running ~1 this|any|other ~2 tool|tools|function', 'always|must ~2 call|use|invoke|run ~3 first', 'call|use|invoke|run this ~1 tool|function ~3 before ~2 any|every|other|each|all'),
  ...about('low', 'tells the model not to ask', `${NOT}|without ~1 ask|asking|request|requesting|seek ~3 confirmation|permission|approval|consent`),
  ...about('low', 'may keep something from the user', `${NOT} ~1 notify|alert|warn|show ~2 ${USER}`, `${NOT} mention ~4 to ~1 ${USER}`, `hide ~2 from ~1 ${USER}`, 'silently send|forward|copy|upload|include|append'),
  ...about('low', 'asks for the conversation', 'include|send|pass|attach|append|forward|provide ~4 complete|full|entire|whole|all ~3 conversation|chat|dialogue|messages|history|prompt', 'system prompt ~2 all ~2 messages'),
]);

/** Written without spaces, or with a space after each letter: the words cannot be told apart any more. */
const RUN_TOGETHER = ['ignorepreviousinstructions', 'ignoreallpreviousinstructions', 'ignorepriorinstructions', 'disregardpreviousinstructions', 'ignoreallinstructions', 'ignoreyourinstructions', 'donottelltheuser', 'donttelltheuser', 'donotinformtheuser'];
const SHORTEST_RUN = Math.min(...RUN_TOGETHER.map(({ length }) => length));

/** Marks that set text apart as coming from the one who gives the model its orders. */
const ALONE = new Set(['important', '|imstart|', '|imend|', '|system|', 'inst', 'sys', '!--system', 'systemprompt', 'systemoverride']);
const IN_PAIRS = new Set(['system', 'instructions', 'instruction', 'hidden', 'secret', 'secrets', 'admin', 'override']);
const LONGEST_MARK = 24;

export function findInstructions(text: string, words: readonly string[]): Said[] {
  const found = findPhrases(words).map(({ about: { severity, what }, words: matched }): Said => ({ severity, message: `${what}: "${matched}"` }));
  for (const word of words) {
    if (word.length < SHORTEST_RUN) continue;
    const run = RUN_TOGETHER.find((one) => word.includes(one));
    if (run !== undefined) found.push({ severity: 'high', message: `gives orders to the model in letters run together: "${run}"` });
  }
  const mark = findMark(text);
  if (mark !== undefined) found.push({ severity: 'high', message: `sets text apart as orders to the model: "${mark}"` });
  return found;
}

function findMark(text: string): string | undefined {
  const opened = new Set<string>();
  for (let at = nextBracket(text, 0); at !== -1; at = nextBracket(text, at + 1)) {
    const close = text[at] === '<' ? '>' : ']';
    const written = text.slice(at + 1, at + 1 + LONGEST_MARK).toLowerCase();
    const end = written.startsWith('!--') ? 3 + written.slice(3).search(/[^\s\w]|$/) : written.indexOf(close);
    if (end === -1) continue;
    const raw = written.slice(0, end).replace(/[\s_<]/g, '');
    const name = raw.replace(/^\//, '').replace(/[!:]+$/, '');
    if (ALONE.has(name) && (close === '>' || name === 'inst')) return text.slice(at, at + end + 2);
    if (!IN_PAIRS.has(name) || close !== '>') continue;
    if (raw.startsWith('/') && opened.has(name)) return `<${name}>`;
    opened.add(name);
  }
  return undefined;
}

function nextBracket(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x3c || unit === 0x5b) return at;
  }
  return -1;
}
