/** `signalbox explain`: what would become of a call, and what each rule said. Nothing is called or counted. */
import type { JsonObject } from '../../core/json.ts';
import { printable } from '../../core/text.ts';
import type { Explanation } from '../explain.ts';
import { untilReady, withGateway } from './access.ts';
import { CommandError, EXIT } from './exit.ts';
import { traceTable } from './trace.ts';
import { print, printJson } from './print.ts';
import type { CallerOptions } from './tools.ts';
import { unknownCaller } from './unknown.ts';

export interface ExplainOptions extends CallerOptions {
  readonly seen?: readonly string[];
}

export function explain(name: string, args: JsonObject, options: ExplainOptions): Promise<void> {
  return withGateway(options, async (gateway) => {
    await untilReady(gateway);
    const asked = { name, args, as: options.as, profile: options.profile, seen: options.seen };
    const explanation = (await gateway.admin('POST', '/explain', asked)) as Explanation;
    if (options.json === true) printJson(explanation);
    if (explanation.tool === undefined) throw notExplained(explanation, options, gateway.setup.settings);
    if (options.json !== true) show(explanation);
  });
}

function notExplained({ reason }: Explanation, { as, json }: CallerOptions, settings: Parameters<typeof unknownCaller>[1]): CommandError {
  if (json === true) return new CommandError('', EXIT.failed);
  if (as !== undefined && reason.startsWith('No caller ')) return new CommandError(unknownCaller(as, settings).message, EXIT.failed);
  return new CommandError(`${printable(reason)} "signalbox tools" lists them.`, EXIT.failed);
}

function show({ caller, tool, labels, hints, effect, reason, rule, trace }: Explanation): void {
  const roles = caller.roles.length === 0 ? '' : ` (${caller.roles.join(', ')})`;
  print(printable(`${caller.id}${roles} -> ${tool}`));
  print(printable(`${effect === 'unknown' ? 'not shown' : effect}: ${reason}`));
  if (labels !== undefined) print(printable(`labels: ${labels.join(', ')}`));
  if (hints !== undefined) print(printable(`the server says (a hint, decides nothing): ${JSON.stringify(hints)}`));
  if (trace.length === 0) return;
  print('');
  print(traceTable(trace, rule));
}
