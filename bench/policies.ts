/** What one decision, one lease and one redaction cost, in ns. Run: node bench/policies.ts */
import type { DecisionRequest } from '../core/decision.ts';
import { compileRules, createLimiter, createRedactor } from '../policies/index.ts';

const request: DecisionRequest = {
  principal: { id: 'alice', tenant: 'acme', roles: ['developer'], proof: 'key' },
  route: { ref: 'files/read_file', server: 'files', tool: 'read_file', publicName: 'files__read_file', fingerprint: '', definition: {} },
  args: { path: '/home/alice/notes.txt', limit: 10, recursive: true },
  origin: { face: 'mcp', protocolVersion: '2026-07-28' },
  profile: 'coding',
};

const allow = { id: 'allow', effect: 'allow', tools: ['files/read_*'] } as const;
const noEtc = { id: 'no-etc', effect: 'deny', tools: ['files/*'], when: "has(args.path) && args.path.startsWith('/etc')" } as const;
const srvOnly = { id: 'home', effect: 'deny', when: 'has(args.path) && !args.path.matches("^/home/[a-z]+/")' } as const;

const plain = compileRules([allow]);
const conditional = compileRules([allow, noEtc]);
const matching = compileRules([allow, srvOnly]);
const perCaller = { id: 'per-caller', per: ['caller'], rate: { count: 1e9, periodMs: 1000 }, concurrent: 20 } as const;
const limiter = createLimiter([perCaller]);
const onArgument = createLimiter([perCaller, { ...perCaller, id: 'path', per: ['caller', 'args.path'] }]);
const redactor = createRedactor({ extraNames: [] });

const leaseAndSettle = (from: typeof limiter): void => {
  const result = from.lease(request, Date.now());
  if (result.type === 'granted') result.lease.settle();
};

const cases: Record<string, () => void> = {
  'decide, one allow rule': () => void plain.decide(request),
  'decide, and one CEL condition': () => void conditional.decide(request),
  'decide, and one matches()': () => void matching.decide(request),
  'lease and settle, one limit': () => leaseAndSettle(limiter),
  'lease and settle, two limits, one on an argument': () => leaseAndSettle(onArgument),
  'redact three arguments': () => void redactor.redact(request.args),
};

for (const [name, run] of Object.entries(cases)) {
  const times = 300_000;
  for (let at = 0; at < times / 3; at += 1) run();
  const start = performance.now();
  for (let at = 0; at < times; at += 1) run();
  console.log(`${name.padEnd(50)} ${(((performance.now() - start) / times) * 1e6).toFixed(0).padStart(6)} ns`);
}
