/** References of a valid configuration that lead to nothing now, each with its place in the file. Never a value. */
import { dirname, resolve } from 'node:path';
import { MissingSecret, type Settings } from '../../core/settings.ts';
import { createSecretSource, type Problem } from '../config/index.ts';
import { adaptSynonyms } from '../config/ide.ts';
import { parseJson } from '../config/json-source.ts';
import { readConfigText } from '../config/load.ts';
import type { Path } from '../config/problem.ts';
import { createReport } from '../config/report.ts';
import { parseYaml } from '../config/yaml-source.ts';

interface Text {
  readonly path: Path;
  readonly text: string;
  /** What happens as long as it is missing. */
  readonly consequence: string;
}

export function missingSecrets(settings: Settings, file: string, env: Readonly<Record<string, string | undefined>>): Problem[] {
  const secrets = createSecretSource({ env, baseDir: dirname(resolve(file)) });
  const missing = textsOf(settings).flatMap((one) => {
    try {
      secrets.resolve(one.text);
      return [];
    } catch (error) {
      if (error instanceof MissingSecret) return [{ ...one, why: error.message }];
      throw error;
    }
  });
  if (missing.length === 0) return [];
  const report = openReport(file);
  for (const { path, why, consequence } of missing) report.warning(path, 'value', why, consequence);
  return [...report.warnings];
}

function openReport(file: string): ReturnType<typeof createReport> {
  const read = readConfigText(file);
  const text = read.ok ? read.text.replace(/^\ufeff/, '') : '';
  const tree = /\.jsonc?$/i.test(file) ? parseJson(text) : parseYaml(text);
  return createReport(file, text, tree.root, adaptSynonyms(tree.value, file).rename);
}

function textsOf({ servers, callers, approvals, telemetry }: Settings): Text[] {
  const texts: Text[] = callers.flatMap(({ key }, at) => (key === undefined ? [] : [{ path: ['callers', at, 'key'], text: key, consequence: 'The gateway does not start without it.' }]));
  for (const [key, text] of Object.entries(approvals.webhook ?? {})) texts.push({ path: ['approvals', 'webhook', key], text, consequence: 'Approvals are not announced until it is there.' });
  const { endpoint, headers = {} } = telemetry.traces ?? {};
  const untraced = 'Traces are not exported until it is there.';
  if (endpoint !== undefined) texts.push({ path: ['telemetry', 'traces', 'endpoint'], text: endpoint, consequence: untraced });
  for (const [name, text] of Object.entries(headers)) texts.push({ path: ['telemetry', 'traces', 'headers', name], text, consequence: untraced });
  for (const server of servers) {
    if (server.disabled) continue;
    const add = (path: Path, text: string): void => void texts.push({ path: ['servers', server.id, ...path], text, consequence: 'The server cannot be reached until it is there.' });
    const addAll = (key: string, map: Readonly<Record<string, string>>): void => {
      for (const [name, text] of Object.entries(map)) add([key, name], text);
    };
    if (server.type === 'stdio') {
      addAll('env', server.env);
      add(['command'], server.command);
      for (const [at, argument] of server.args.entries()) add(['args', at], argument);
      if (server.cwd !== undefined) add(['cwd'], server.cwd);
    } else {
      addAll('headers', server.headers);
      add(['url'], server.url);
    }
  }
  return texts;
}
