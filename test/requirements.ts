/**
 * What Signalbox promises, as data. A test cites the id of what it holds in its name, as in `[PATH-3]`; one that nobody
 * cites, or a citation of one that is not here, fails `requirements.test.ts`.
 */
export interface Requirement {
  readonly id: string;
  readonly text: string;
  /** Where the sentence comes from: a document of this project, or a specification. */
  readonly source: string;
}

const MCP_2026 = 'MCP 2026-07-28';
const MCP_2025 = 'MCP 2025-11-25';
const MCP = 'docs/mcp.md';
const THREATS = 'docs/threat-model.md';
const CONFIGURATION = 'docs/configuration.md';
const LEDGER = 'docs/ledger.md';
const REGISTER = 'docs/register.md';
const POLICY = 'docs/policy.md';
const RULES = 'docs/rules.md';
const CONNECTORS = 'docs/connectors.md';
const PINS = 'docs/pins.md';
const RETENTION = 'docs/retention.md';
const ERRORS = 'docs/errors.md';
const FAULTS = 'docs/faults.md';
const GUARDS = 'docs/guards.md';
const TELEMETRY = 'docs/telemetry.md';
const AUDIT = 'docs/audit.md';

const group = (prefix: string, rows: readonly (readonly [text: string, source: string])[]): Requirement[] =>
  rows.map(([text, source], index) => ({ id: `${prefix}-${index + 1}`, text, source }));

export const REQUIREMENTS: readonly Requirement[] = [
  ...group('GROUND', [
    ['Imports point one way (gateway, rooms, core), enter a folder by its index, and make no circle.', 'docs/architecture.md'],
    ['Every promise in this list is held by a test that cites it.', 'test/requirements.ts'],
    ['The page of errors and the table of errors say the same.', ERRORS],
  ]),
  ...group('CONF', [
    ['A configuration is taken whole or not at all; each mistake is told with file, line, column, what was expected and a suggestion.', CONFIGURATION],
    ['A configuration is an immutable snapshot: a call finishes under the one that it began with, limits keep their counts, clients see the new one.', CONFIGURATION],
    ['A new file that is broken changes nothing, is said loudly, and is recorded.', CONFIGURATION],
    ['References to secrets are resolved late, missing ones are named, and no value is shown.', CONFIGURATION],
    ['The JSON Schema for editors is generated, current and complete.', CONFIGURATION],
  ]),
  ...group('CONN', [
    ['Servers of every transport and era are found by probe, listed and called.', CONNECTORS],
    ['A dead server hides its own tools only, says why, and comes back by itself.', CONNECTORS],
    ['A lost session is opened again, and each call that met it is executed once.', CONNECTORS],
    ['A deadline ends a call, and its server is told.', CONNECTORS],
    ['Children get no shell, no environment but the declared, and are gone with the gateway, however it goes.', CONNECTORS],
    ['A call that may have run is sent again only where the operator declared it idempotent.', CONNECTORS],
    ['Answers are bounded in size and depth; a hostile one costs its own call only.', CONNECTORS],
    ['A server that fails in a row is given a rest; calls at once are bounded.', CONNECTORS],
  ]),
  ...group('CAT', [
    ['Public names are legal for every model provider, unique, and not changed by another server.', MCP],
    ['Profiles include, exclude, rename and describe; one that is not open to a caller is as one that does not exist.', MCP],
    ['Lists have one order and come in pages; a foreign cursor is -32602.', `${MCP_2026}, server/utilities/pagination`],
    ['Unknown fields of tools, arguments and results pass unharmed, 64-bit integers and members like __proto__ included.', MCP],
    ['What a caller may not see is answered exactly as an unknown name.', THREATS],
  ]),
  ...group('FACE', [
    ['Clients of both eras list and call on one endpoint, whatever the era of the server.', MCP],
    ["A 2025 session belongs to its caller and profile; with any other it does not exist, and its owner's goes on.", THREATS],
    ['Sessions have a stream, end by DELETE and when idle, are bounded, and an unknown one is 404.', `${MCP_2025}, basic/transports`],
    ['A 2025 client that keeps no session is served.', MCP],
    ['Batches exist in 2025-03-26 and in no other version.', 'MCP 2025-03-26, basic'],
    ['Headers repeat the body (version, method, name, parameters), or the answer is 400 and -32020.', `${MCP_2026}, basic/transports/streamable-http`],
    ['An unserved version is -32022 with those served; a lacking _meta key is -32602; an unknown method is 404 and -32601.', `${MCP_2026}, basic/versioning`],
    ['Discover and lists carry ttlMs and cacheScope; what depends on the caller is private.', `${MCP_2026}, server/utilities/caching`],
    ['Clients are told of a changed list when, and only when, their own view changed.', `${MCP_2026}, basic/patterns/subscriptions`],
    ["Progress reaches clients of both eras with their own token, in order, before the answer.", MCP],
    ['Cancellation reaches the server: by notification in 2025, by going away in 2026.', MCP],
    ['Answers never cross between clients.', THREATS],
    ['Ids keep their type; null and fractions are refused.', `${MCP_2026}, basic/index`],
  ]),
  ...group('STDIO', [
    ['Several that start on one data directory share one gateway; it goes with the last and leaves no process.', MCP],
    ['One that is killed takes nobody with it, nor does the gateway when it is.', MCP],
    ['Each request gets one answer in the order that it ends, and none is executed twice.', MCP],
  ]),
  ...group('PIN', [
    ['With pins enforced a tool that is no longer what was reviewed is refused at the next call, without a notification, and no list that cannot be confirmed is trusted.', PINS],
    ['What was not reviewed is neither listed nor callable where pins are enforced, and said where they warn.', PINS],
    ['A tool in whose words hidden characters, orders to the model or a theft of secrets are found is held until it is reviewed; honest servers are not.', PINS],
    ["A name that can be taken for another tool's is refused to the later one; adding a server takes no tool of an earlier one away.", PINS],
    ['A lock file that cannot be read closes, loudly.', PINS],
    ['The lock file is written whole, in one order, and holds what was shown to the one who approved.', PINS],
    ['What changed is shown word by word and member by member, harmlessly, and the exit code tells whether something is to be reviewed.', PINS],
    ['A fingerprint ignores the order of members, and nothing else.', PINS],
    ['The scan takes time in proportion to the text.', PINS],
  ]),
  ...group('AUTH', [
    ['Where callers are configured a request without a good key is 401, says which scheme to use, and is recorded.', `${THREATS}; RFC 6750, section 3`],
    ['A key that is revoked stops within a second, one that is made starts.', 'docs/mcp.md'],
    ["Keys appear in no log, record, error or file; a client's key and headers never go upstream.", THREATS],
    ["The admin API and acting for a caller need the operator's token; the headers for that are worth nothing without it.", THREATS],
    ['Keys are 256-bit, shown once and stored hashed.', MCP],
    ['Without callers only loopback may be bound.', CONFIGURATION],
  ]),
  ...group('HTTP', [
    ['A foreign Host or Origin is 403 on every route; pages of allowed origins get CORS.', THREATS],
    ['A body beyond the bound is 413 before it has come in.', THREATS],
    ['JSON beyond the bound on depth is refused in words.', THREATS],
    ['What is no JSON-RPC message is answered as the specification says, and nothing goes upstream.', 'JSON-RPC 2.0, section 5.1'],
    ['A member that is there twice, or differs from a known one by case only, is refused.', THREATS],
    ['Slow or contradictory requests are ended and hold nobody up.', THREATS],
    ['While hostile bodies come, others are answered, and the event loop is late by less than 50 ms, 99 times of 100.', THREATS],
    ['Health is said at once, readiness when each server has connected or failed once.', MCP],
    ['Whichever of the two readers of HTTP reads a request, it says the same and is answered once, in its turn.', 'docs/decisions/0002-a-short-way-in.md'],
  ]),
  ...group('PATH', [
    ['One call sent through every face leaves the same records, origin aside.', 'docs/architecture.md'],
    ['Deny goes before ask before allow; no match and an error deny.', RULES],
    ['200 parallel calls against a limit of 10 admit exactly 10.', RULES],
    ['A limit on an argument counts that argument, each of its values apart.', RULES],
    ['A limited call says retryAfterMs, in words and as data.', ERRORS],
    ['What is denied names its rule; what is asked about waits with an approval id.', ERRORS],
    ['Nothing goes upstream before its intent is durable; strict holds the answer for the outcome.', LEDGER],
    ['A result beyond the bound is a clear error that says that the call may have run.', ERRORS],
    ["A server's own error passes; codes that the protocol reserves for the hop do not.", `${MCP_2026}, basic/index, Error Codes`],
    ['Patterns of rules are linear in time.', RULES],
  ]),
  ...group('ASK', [
    ['By every way in, a call that a person decides is executed once by their word, as they saw or wrote it, and never without it: approved, edited, denied, expired, repeated, over a restart, under changed rules.', 'docs/approvals.md'],
    ['`requestState` is good for the very caller, profile, tool, arguments and time that it was given for; with anything else the answer is -32602 and nothing is executed.', `${MCP_2026}, basic/patterns/mrtr`],
    ['Fifty parallel replays of one grant execute once.', 'docs/approvals.md'],
    ['A person at the client is asked only where the rule says so and the client declared that it can; every word shown is harmless, and secrets are not shown.', `${MCP_2026}, client/elicitation`],
    ['A request to a 2025 client goes out on one stream of its session and is answered in that session alone, once.', `${MCP_2025}, basic/transports`],
    ['A client that cannot be asked is kept waiting with progress, holds no limit meanwhile, goes on at once when it is decided, and is told what to do when it is not.', 'docs/approvals.md'],
    ['Who goes away, cancels, or loses its session leaves the request standing, and nothing is executed for nobody.', 'docs/approvals.md'],
    ['Who waits is bounded in number, let in anew before going on, and told when the gateway stops.', 'docs/approvals.md'],
  ]),
  ...group('APPROVAL', [
    ['A call that a rule asks about is executed with a grant for just this caller, tool, definition and arguments, and fifty parallel replays of it execute once.', 'docs/approvals.md'],
    ['Requests and grants survive a restart; arguments that an approver wrote are nowhere in clear.', 'docs/approvals.md'],
    ['A grant counts only while the same rule asks and its approver may approve; a rule that denies, denies.', 'docs/approvals.md'],
    ['Arguments that an approver wrote are decided like any, and need no other approval than the approver could give.', 'docs/approvals.md'],
    ['Requests and grants end with their time or session; a grant is remembered as long as the rule says.', 'docs/approvals.md'],
    ['A decision counts once it is in the ledger; what cannot be written refuses.', 'docs/approvals.md'],
    ['Who decides is whom the rule names, in the same tenant, and where roles approve never the caller itself.', 'docs/approvals.md'],
    ['Announcements are signed, redacted, go to the configured address alone, and hold nothing up.', 'docs/approvals.md'],
  ]),
  ...group('BUDGET', [
    ['A budget admits exactly its limit in a period, whatever runs side by side, over reloads, and says when the next period begins.', 'docs/budgets.md'],
    ['Counts survive restarts and kills exactly; a snapshot that does not fit its ledger changes nothing.', 'docs/budgets.md'],
    ['What was certainly not executed is given back, what may have been is kept; without budgets nothing is recorded of them.', 'docs/budgets.md'],
    ['Where counts are not known, what a budget is about is refused.', 'docs/budgets.md'],
  ]),
  ...group('ARGS', [
    ['Arguments are checked as JSON Schema says, honest recursion and older drafts included; what is not understood checks nothing.', GUARDS],
    ['Arguments that do not fit are refused before anything is sent, in words that name the place and what was expected, and never a value.', GUARDS],
    ['A schema beyond the bounds hides its own tool only, and the status says why; nothing is fetched, and the event loop is late by less than 50 ms, 99 times of 100.', GUARDS],
    ['What a check may cost is bounded, whatever the schema and the arguments.', GUARDS],
  ]),
  ...group('GUARD', [
    ['Credentials and personal data in results and errors are taken out, or the result is held back, wherever they stand.', GUARDS],
    ['What reads like instructions is marked as untrusted, and hidden characters are taken out.', GUARDS],
    ['A guard never throws, never changes what came, and holds back what it cannot look through.', GUARDS],
    ['A long result is cut between characters, says so, and is read on exactly, already guarded.', GUARDS],
    ['Who may not make a call any more, and who did not make it, cannot read its result; reading on is recorded and names the call.', GUARDS],
  ]),
  ...group('SECRET', [
    ['What the gateway was given in secret is in no record, log line, metric, status, list or error, whoever carries it there.', 'docs/secrets.md'],
    ['Of 200 canaries in arguments, results, headers, environment and errors none is in a sink or in an answer to another caller.', 'docs/secrets.md'],
  ]),
  ...group('POLICY', [
    ['Cases that fail are told with the case, its line, the rule that decided and the line of that.', POLICY],
    ['A replay of 100,000 recorded calls takes under 30 s and tells exactly those that a draft decides otherwise.', POLICY],
    ['A call whose record tells too little is undecidable, never unchanged.', POLICY],
    ['Rules in shadow change nothing, and what they would have done is recorded.', POLICY],
  ]),
  ...group('FLOW', [
    ['What a run has touched is known to the next decision, also for calls side by side.', RULES],
    ['What was touched outlives reload and restart, and is never forgotten for want of room.', RULES],
    ['A call whose touch cannot be kept is refused.', RULES],
  ]),
  ...group('REGISTER', [
    ['The tree over the records is that of RFC 9162, and its paths are.', 'RFC 9162, section 2.1'],
    ['Checkpoints are signed notes that other implementations read.', 'C2SP tlog-checkpoint'],
    ['A record that was flipped, deleted, reordered or put in, a cut tail, a rewrite of all and an old backup are seen, and the first bad record is named.', REGISTER],
    ['A checkpoint that was forged or changed is told from one that was signed.', REGISTER],
    ['Each checkpoint is a beginning of the next, whenever the gateway is killed.', REGISTER],
    ['A proof is checked with the public key and nothing else of the gateway.', REGISTER],
    ['Checkpoints come to the places of the operator\'s choice, in order, tried again; a place that takes none stops no call.', REGISTER],
    ['Text that was purged leaves chain, tree and proofs whole, and is missed where no purge was recorded.', REGISTER],
  ]),
  ...group('LEDGER', [
    ['Records are numbered without gaps, chained by hash, and any change is seen.', LEDGER],
    ['After a crash what was acknowledged is recorded and open intents become unknown.', LEDGER],
    ['While the ledger cannot be written calls are refused in clear words, the rest works, and it goes on by itself.', LEDGER],
    ['Starts, stops, reloads, key changes and refused callers are records too.', LEDGER],
    ['One writer for a data directory: a second is told who holds it.', LEDGER],
    ['Secrets in arguments are not recorded.', LEDGER],
  ]),
  ...group('SEARCH', [
    ['A search finds what going through all records would find, whatever is asked for together, newest first and in pages.', AUDIT],
    ['Every filter begins with an index, and a time is a place in the ledger.', AUDIT],
    ['The index is made of the ledger alone: only what is new is read, by several at once if need be, and it is made anew where it does not fit.', AUDIT],
    ['Nothing of records that were purged is left in the index, in its answers or in its file.', AUDIT],
    ['What is found is listed harmlessly, and a word that is none of the choices gets a suggestion.', AUDIT],
    ['Everything about one call is shown in one place, with whether its records are those that were hashed.', AUDIT],
    ['An export waits for its reader, is harmless in a spreadsheet, and keeps to the format that it names.', AUDIT],
    ['A gateway has the ledger read by processes of less priority, which go with it; no call waits for them.', AUDIT],
  ]),
  ...group('FAULT', [
    ['Killed with -9 at any moment: what was executed has an intent, nothing is executed twice, the chain verifies, no process is left.', FAULTS],
    ['While the disk is full nothing is called, lists and health go on, and calls go on by themselves when there is room.', FAULTS],
    ['Asked to stop under load it answers what was executed, records that, leaves no process, and ends with exit code 0.', FAULTS],
    ['A server that is stuck costs its own calls their deadline, and no call of another server anything; a process that no longer answers is started anew.', FAULTS],
    ['No byte of a call leaves before the sync over its intent has returned.', FAULTS],
    ['An upstream over HTTP that misbehaves costs its own calls only, within their deadline and in bounded memory.', FAULTS],
    ['Whatever is written into the configuration, and how fast: calls notice nothing, and one whole valid configuration is in force.', FAULTS],
    ['A clock that is set refills no rate, begins no budget twice, ends no session, and breaks no record.', FAULTS],
    ['Idle streams and abandoned sessions are bounded, and give back what they held.', FAULTS],
  ]),
  ...group('TELEMETRY', [
    ['Metrics are valid, say what the page of them says, and stay a bounded number of series, whatever upstreams and callers name.', TELEMETRY],
    ['No metric names a caller unless that was asked for.', TELEMETRY],
    ['A trace goes through from client to server by the ids of W3C Trace Context, in messages and headers of both eras, traced here or not.', TELEMETRY],
    ['A caller that does not want its trace sampled is obeyed; of the other calls the configured share is traced.', TELEMETRY],
    ['Spans hold no argument, result, message or secret, and go to the configured address alone.', TELEMETRY],
    ['A receiver of traces that is down costs no call anything, and what it missed is counted.', TELEMETRY],
    ['The id that a caller is shown with a fault is in the log, with the cause that the caller is not shown.', TELEMETRY],
    ['Status and doctor say in words what is wrong, and what to do.', TELEMETRY],
  ]),
  ...group('CMD', [
    ['Every command has help, and says what is wrong with a command line without a stack.', 'README.md'],
    ["No text of a peer reaches a terminal with a character that it obeys.", THREATS],
    ['Configurations of IDEs are merged with all else unchanged and a backup beside.', 'README.md'],
    ['No secret of an IDE configuration is written into ours.', 'README.md'],
  ]),
  ...group('INTEROP', [
    ['The clients of the official SDK, both generations and all modes, work over HTTP.', MCP],
    ['The Inspector works from the command line over HTTP.', MCP],
    ['The AI SDK works over HTTP.', MCP],
    ['LangChain works over HTTP.', MCP],
    ['Two clients at once work over stdio on one data directory.', MCP],
  ]),
  ...group('RETENTION', [
    ["With payloads: full, exact arguments and results are recorded encrypted under a key of the caller's tenant, without the gateway's own secrets; in no other mode is a result.", RETENTION],
    ["A tenant's erased keys are in no file any more, its payloads cannot be read, and the ledger still verifies; a stop in between changes nothing about that.", RETENTION],
    ['Looking into a payload is for the operator, and recorded before it is shown.', RETENTION],
    ['A purge is recorded durably before anything goes, takes the text out of every file, and leaves every hash; what was not purged still verifies.', RETENTION],
    ['A purge that was stopped anywhere is finished after the next start.', RETENTION],
    ['Open calls, records of the current month, and what says what was purged, held or erased are never purged.', RETENTION],
    ['A legal hold stops the purge and the erasure of what it covers until it is released, and is not lost with its file.', RETENTION],
    ['Text that is missing without a record of a purge is found by verification.', RETENTION],
  ]),
];
