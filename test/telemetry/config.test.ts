/** The settings of telemetry: what is refused, and what is said of it. */
import { expect, test } from 'vitest';
import { formatProblems, parseConfig } from '../../gateway/config/index.ts';

const said = (traces: object): string => {
  const parsed = parseConfig(JSON.stringify({ telemetry: { traces } }), '/nowhere/signalbox.json');
  return formatProblems(parsed.ok ? parsed.warnings : parsed.problems);
};

test.each<[string, object, RegExp | '']>([
  ['a plain address', { endpoint: 'http://127.0.0.1:4318' }, ''],
  ['references', { endpoint: '${env:OTLP}', headers: { authorization: 'Bearer ${env:TOKEN}' }, sample: 0.1 }, ''],
  ['no address', { endpoint: '127.0.0.1:4318' }, /endpoint: expected an address that begins with http/],
  ['a user name', { endpoint: 'http://u:p@127.0.0.1:4318' }, /endpoint: holds a user name or a password/],
  ['a query', { endpoint: 'http://127.0.0.1:4318/?a=1' }, /endpoint: expected an address without/],
  ['the port of gRPC', { endpoint: 'http://127.0.0.1:4317' }, /4317 is usually the port of OTLP over gRPC/],
  ['a share above 1', { endpoint: 'http://127.0.0.1:4318', sample: 10 }, /sample: expected at most 1/],
  ['a header of ours', { endpoint: 'http://127.0.0.1:4318', headers: { 'Content-Type': 'x' } }, /this header is set by the gateway itself/],
  ['a header in two lines', { endpoint: 'http://127.0.0.1:4318', headers: { x: 'a\r\nb: c' } }, /may not hold line breaks/],
  ['a key in clear', { endpoint: 'http://127.0.0.1:4318', headers: { authorization: 'Bearer abcdefgh12345678' } }, /a secret seems to stand here in clear/],
])('%s [TELEMETRY-5]', (_name, traces, words) => {
  if (words === '') expect(said(traces)).toBe('');
  else expect(said(traces)).toMatch(words);
});
