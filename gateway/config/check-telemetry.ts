/** Where traces go, and the headers that go along: addresses that are none, secrets in clear, headers that are the exporter's. */
import { checkSecretText } from './check-servers.ts';
import { isBlock, member, textOf, type Block } from './checks.ts';
import type { Report } from './report.ts';

const REFERENCE = /\$\{[^}]*\}/g;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110, 5.6.2: token
/** Framing, and what says that the body is OTLP as JSON. */
const OWN_HEADERS = /^(?:host|connection|content-length|content-type|content-encoding|transfer-encoding|te|trailer|upgrade|keep-alive|expect)$/i;

export function checkTelemetry(config: Block, report: Report): void {
  const telemetry = member(config, 'telemetry');
  const traces = isBlock(telemetry) ? member(telemetry, 'traces') : undefined;
  if (!isBlock(traces)) return;
  checkEndpoint(traces, report);
  const headers = member(traces, 'headers');
  if (!isBlock(headers)) return;
  for (const name of Object.keys(headers)) {
    const at = ['telemetry', 'traces', 'headers', name];
    if (!HEADER_NAME.test(name)) report.problem(at, 'key', 'this is no name of an HTTP header');
    else if (OWN_HEADERS.test(name)) report.problem(at, 'key', 'this header is set by the gateway itself', 'Remove it.');
    const value = textOf(headers, name);
    if (value === undefined) continue;
    if (/[\0\r\n]/.test(value)) report.problem(at, 'value', 'a header\'s value may not hold line breaks or NUL');
    checkSecretText(name, value, at, report);
  }
}

function checkEndpoint(traces: Block, report: Report): void {
  const text = textOf(traces, 'endpoint');
  if (text === undefined) return;
  const at = ['telemetry', 'traces', 'endpoint'];
  checkSecretText('', text.replace(/\/\/[^/]*@/, '//'), at, report);
  const url = URL.parse(text.startsWith('${') ? 'http://reference/' : text.replaceAll(REFERENCE, 'x'));
  const example = 'For example "http://127.0.0.1:4318".';
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return report.problem(at, 'value', 'expected an address that begins with http:// or https://, found something else', example);
  }
  if (url.username !== '' || url.password !== '') report.problem(at, 'value', 'holds a user name or a password', 'Send it as a header: headers: { authorization: "Bearer ${env:TOKEN}" }.');
  if (url.search !== '' || url.hash !== '') report.problem(at, 'value', 'expected an address without "?" and "#"', example);
  if (url.port === '4317') report.warning(at, 'value', '4317 is usually the port of OTLP over gRPC, which is not spoken here', 'OTLP over HTTP usually listens on 4318.');
}
