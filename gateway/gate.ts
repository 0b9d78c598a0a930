/** One configuration's way in and what decides behind it; made whole or not at all. */
import type { Flow } from '../core/flow.ts';
import type { JsonObject } from '../core/json.ts';
import type { SecretSource, Settings } from '../core/settings.ts';
import { compileRules, createBudgets, createGuards, createLimiter, createRedactor, type BudgetsOptions, type KnownSecrets, type ReloadableLimiter } from '../policies/index.ts';
import type { KeyStore } from '../store/index.ts';
import { targetOf, type ResolveTarget } from './approvals/index.ts';
import { createArguments } from './arguments.ts';
import { createAuthenticator } from './auth.ts';
import { createBox } from './box.ts';
import { hideIn, learnFrom, watchSecrets } from './known-secrets.ts';
import { createGuard, requireCallersBeyondLoopback } from './http/guard.ts';
import type { Gate } from './http/server.ts';
import { createJudge, type Pins } from './pins/index.ts';
import { hookOf, type ResolveHook } from './register/index.ts';
import { createReadEntry, type HeldResults } from './results/index.ts';
import type { Servers } from './servers.ts';
import type { Tracing } from './tracing/index.ts';

export interface OpenGate extends Gate {
  readonly box: ReturnType<typeof createBox>;
  readonly limiter: ReloadableLimiter;
  /** Where approvals are announced. */
  readonly webhook: ResolveTarget | undefined;
  /** Where checkpoints are sent. */
  readonly checkpointHook: ResolveHook | undefined;
}

export interface GateParts {
  readonly keys: KeyStore;
  readonly servers: Servers;
  readonly operatorToken: string;
  /** What was cut off results, for as long as the process lives. */
  readonly results: HeldResults;
  readonly known: KnownSecrets;
  readonly pins: Pins;
  /** The counts of budgets, which outlive a configuration. */
  readonly budgetCounts: BudgetsOptions;
  /** What sessions have touched, for as long as the process lives; opened when it is first asked for. */
  readonly openFlow: () => Flow;
  readonly tracing: Tracing;
}

/**
 * @param previous the gate in force until now: its counts go on
 * @throws MissingSecret, WideOpen, and what compiling may throw; nothing has changed then
 */
export function openGate({ keys, servers, operatorToken, results, known, pins, budgetCounts, openFlow, tracing }: GateParts, settings: Settings, given: SecretSource, previous?: OpenGate): OpenGate {
  requireCallersBeyondLoopback(settings);
  const secrets = watchSecrets(given, known);
  learnFrom(settings, secrets, known);
  const authenticate = createAuthenticator({ callers: settings.callers, secrets, findKey: (hash) => keys.findByHash(hash), operatorToken });
  const rules = compileRules(settings.rules);
  const limiter = createLimiter(settings.limits, previous === undefined ? {} : { previous: previous.limiter });
  const budgets = createBudgets(settings.budgets, budgetCounts);
  const redactor = createRedactor({ extraNames: settings.audit.redact, known });
  const guard = createGuard(settings.listen);
  const touched = Object.keys(settings.labels).length > 0 ? openFlow() : undefined;
  const args = createArguments(settings.arguments);
  const judge = createJudge(settings, pins);
  const webhook = targetOf(settings.approvals.webhook, secrets);
  const checkpointHook = hookOf(settings.audit.checkpoints.webhook, secrets);
  // Last, since it starts processes.
  const connectors = servers.take(settings, secrets);
  pins.take(settings);
  const tracer = tracing.take(settings, secrets);
  const box = createBox({ settings, rules, limiter, budgets, flow: touched, redact: (value) => redactor.redact(value), show: (definition) => hideIn(definition, known) as JsonObject, connectors, tracer, arguments: args, guards: createGuards(settings.guards), readEntry: createReadEntry(results), judge: args?.judge(judge) ?? judge });
  return { box, authenticate, guard, limiter, webhook, checkpointHook };
}
