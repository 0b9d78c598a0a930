import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultConfigPath, formatProblems, loadConfig } from '../../gateway/config/index.ts';
import { fileWith, problemsOf, settingsOf, temporaryFolder, warningsOf, wordsOf } from './support.ts';

const loadWords = (path: string) => {
  const result = loadConfig(path);
  return result.ok ? 'ok' : formatProblems(result.problems);
};

const SERVER = 'servers: { files: { command: npx } }\n';

describe('settings', () => {
  test('a configuration without anything but a server gets every default', () => {
    const settings = settingsOf(SERVER);
    expect(settings).toMatchObject({
      source: '/etc/signalbox.yaml',
      listen: { host: '127.0.0.1', port: 7420, allowedHosts: [], allowedOrigins: [], maxBodyBytes: 4_194_304, maxDepth: 64 },
      data: '/etc/.signalbox',
      profiles: [], callers: [], rules: [], limits: [],
      audit: { payloads: 'redacted', durability: 'intent', redact: [] },
      log: { level: 'info', format: 'text' },
    });
    expect(settings.servers).toEqual([{
      id: 'files', type: 'stdio', command: 'npx', args: [], env: {}, cwd: '/etc', disabled: false, timeoutMs: 60_000, idleTimeoutMs: 60_000,
      maxResponseBytes: 16_777_216, concurrency: 64, queue: 256, connectTimeoutMs: 30_000, idempotent: [],
    }]);
  });

  test('the idle timeout follows a shorter timeout, and stays at a minute under a longer one', () => {
    expect(settingsOf('servers: { a: { command: x, timeoutMs: 5000 } }').servers[0]?.idleTimeoutMs).toBe(5000);
    expect(settingsOf('servers: { a: { command: x, timeoutMs: 600000 } }').servers[0]?.idleTimeoutMs).toBe(60_000);
  });

  test.each([['600/min', 600, 60_000], ['3/hour', 3, 3_600_000], ['10/s', 10, 1000], ['100/day', 100, 86_400_000]])('a rate of %s is read', (rate, count, periodMs) => {
    expect(settingsOf(`limits: [{ id: a, rate: ${rate} }]`).limits).toEqual([{ id: 'a', per: [], rate: { count, periodMs } }]);
  });

  test('references are kept as they are, and a bare ${NAME} is one', () => {
    const settings = settingsOf('servers: { a: { url: "http://x/mcp", headers: { a: "Bearer ${TOKEN}", b: "${env:B}", c: "${C:-d}", e: "$${X}" } } }');
    expect(settings.servers[0]).toMatchObject({ headers: { a: 'Bearer ${env:TOKEN}', b: '${env:B}', c: '${env:C:-d}', e: '$${X}' } });
  });

  test('addresses and arguments may hold references, and what the program reads itself reaches it as it is', () => {
    const settings = settingsOf('servers: { a: { url: "https://${HOST:-x.example}/mcp" }, b: { command: x, env: { AUTH: "${env:T}" }, args: ["-h", "Auth:${AUTH}", "${DIR}"] } }');
    expect(settings.servers).toMatchObject([{ url: 'https://${env:HOST:-x.example}/mcp' }, { args: ['-h', 'Auth:$${AUTH}', '${env:DIR}'] }]);
  });

  test('relative folders start from the file', () => {
    const settings = settingsOf('data: data\nservers: { a: { command: x, cwd: ../work } }', '/srv/box/signalbox.yaml');
    expect(settings.data).toBe('/srv/box/data');
    expect(settings.servers[0]).toMatchObject({ cwd: '/srv/work' });
  });

  test('the hash follows the meaning: not spelling, comments or the order of servers, but any value', () => {
    const a = settingsOf('servers: { a: { command: x }, b: { url: "http://b/" } }').hash;
    expect(settingsOf('# comment\nservers:\n  b: { url: "http://b/", type: http }\n  a: { command: "x", disabled: false }\n').hash).toBe(a);
    expect(settingsOf('{"mcpServers": {"a": {"command": "x"}, "b": {"url": "http://b/"}}}', '/x.json').hash).toBe(a);
    expect(settingsOf('servers: { a: { command: y }, b: { url: "http://b/" } }').hash).not.toBe(a);
  });

  test('settings cannot be changed', () => {
    const settings = settingsOf(SERVER);
    expect(() => Object.assign(settings.servers[0] as object, { command: 'sh' })).toThrow(TypeError);
  });

  test.each([['/x/claude_desktop_config.json', 'mcpServers'], ['/x/.vscode/mcp.json', 'servers']])('%s is a configuration', (file, key) => {
    const text = `{
      // what the IDE writes
      "inputs": [], "${key}": {
        "a": { "type": "stdio", "command": "npx", "args": ["-y", "x"], "disabled": true, "autoApprove": [] },
        "b": { "type": "streamable-http", "url": "https://b/mcp", "headers": { "X-Key": "\${KEY}" }, },
      },
      "preferences": {}
    }`;
    const { servers } = settingsOf(text, file);
    expect(servers).toMatchObject([{ id: 'a', type: 'stdio', disabled: true }, { id: 'b', type: 'http', headers: { 'X-Key': '${env:KEY}' } }]);
    expect(warningsOf(text, file)).toContain('preferences: is the IDE\'s own and is not read');
  });
});

describe('mistakes', () => {
  test('every mistake of a file is reported at once, each where it stands [CONF-1]', () => {
    const text = [
      'listen: { prot: 1 }', //                               1
      'servers:', //                                          2
      '  fi__les: { command: npx }', //                       3
      '  web: { url: "http://x/", timeoutMs: soon }', //      4
      'rules:', //                                            5
      '  - { id: a, effect: dney }', //                       6
      '  - { id: a, effect: deny, when: "1 +" }', //          7
    ].join('\n');
    const problems = problemsOf(text, 'box.yaml', { checkExpression: (expression) => (expression === '1 +' ? 'the expression ends too soon at character 3' : undefined) });
    expect(problems.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
      '1:11 listen.prot', '3:3 servers.fi__les', '4:39 servers.web.timeoutMs', '6:22 rules[0].effect', '7:11 rules[1].id', '7:34 rules[1].when',
    ]);
    expect(problems[5]?.message).toBe('the expression ends too soon at character 3');
    expect(formatProblems(problems).split('\n')).toHaveLength(6);
  });

  test.each([
    ['servers: { a: { comand: npx } }', '1:17  servers.a.comand: unknown key. Did you mean "command"?'],
    ['servers: { a: { command: npx, timeout: 5 } }', 'Did you mean "timeoutMs"?'],
    ['rules: [{ id: a, effect: dney }]', 'rules[0].effect: expected one of allow, ask, deny, found the text "dney". Did you mean "deny"?'],
    ['log: { level: Info }', 'Did you mean "info"?'],
    ['limits: [{ id: a, rate: 5/s, per: [callr] }]', 'Did you mean "caller"?'],
    ['profiles: { coding: {} }\ncallers: [{ id: a, profiles: [codng] }]', '2:31  callers[0].profiles[0]: names a profile that is not configured: "codng". Did you mean "coding"?'],
    ['profiles: { coding: {} }\nrules: [{ id: a, effect: deny, profiles: [codng] }]', 'Did you mean "coding"?'],
  ])('the nearest right name is offered: %s', (text, words) => {
    expect(wordsOf(text)).toContain(words);
  });

  test.each([
    ['servers: { a__b: { command: x } }', 'a server\'s id may not hold a double underscore, since tools are named "server__tool"'],
    ['servers: { "a b": { command: x } }', 'letters, digits, "-" and single "_"'],
    ['servers: { _a: { command: x } }', 'begins and ends with a letter or a digit'],
    [`servers: { ${'a'.repeat(33)}: { command: x } }`, 'at most 32 characters; this one has 33'],
    ['servers: { Files: { command: x }, files: { command: x } }', '1:35  servers.files: differs only by case from the server "Files"'],
    ['servers: { a: { command: "npx -y foo" } }', 'Write "npx" here, and each of its arguments as an entry of "args"'],
    ['servers: { a: { command: "/usr/bin/npx -y foo" } }', 'a whole command line'],
    ['servers: { a: { command: x, url: "http://x/" } }', 'either a "command" or a "url", and this one has both'],
    ['servers: { a: {} }', 'a server needs a "command"'],
    ['servers: { a: { url: "http://x/", env: { A: b } } }', 'Credentials for a url go into "headers"'],
    ['servers: { a: { command: x, headers: { A: b } } }', 'Credentials for a process go into "env"'],
    ['servers: { a: { command: x, type: sse } }', 'does not go with a "command"'],
    ['servers: { a: { url: "file:///etc/passwd" } }', 'http:// or https://'],
    ['servers: { a: { url: "javascript:alert(1)" } }', 'http:// or https://'],
    ['servers: { a: { url: "http://u:p@x/" } }', 'holds a user name or a password; addresses end up in logs. Send it as a header'],
    ['servers: { a: { url: "http://x/", headers: { "Mcp-Session-Id": x } } }', 'this header is set by the gateway itself'],
    ['servers: { a: { url: "http://x/", headers: { x-a: "b\\r\\nc: d" } } }', 'may not hold line breaks'],
    ['servers: { a: { url: "http://x/", headers: { x-a: b, X-A: c } } }', 'differs only by case from the header "x-a"'],
    ['servers: { a: { command: x, env: { PORT: 8080 } } }', 'servers.a.env.PORT: expected text, found a number. Put it in quotes.'],
    ['servers: { a: { command: x, env: { A: "${input:token}" } } }', 'filled in by VS Code and means nothing here. Write ${env:NAME} and set the variable'],
    ['servers: { a: { command: x, args: ["${workspaceFolder}/x"] } }', 'neither ${env:NAME} nor ${file:PATH}'],
    ['servers: { a: { command: "${env:NODE}" } }', 'references are not resolved here'],
    ['servers: { a: { url: "ftp://${HOST}/mcp" } }', 'http:// or https://'],
    ['servers: { a: { command: x } }\nmcpServers: {}', '"servers" and "mcpServers" are two names for one thing'],
    ['servers: [{ command: x }]', 'expected a block of "key: value" members, found a list'],
    ['listen: { host: 0.0.0.0 }', 'can be reached from other machines, and no callers are configured'],
    ['listen: { host: "http://x:1" }', 'The port goes into listen.port'],
    ['listen: { port: "7420" }', 'found the text "7420". Remove the quotes.'],
    ['listen: { port: 70000 }', 'expected at most 65535, found the number 70000'],
    ['listen: { allowedOrigins: ["https://x.example/path"] }', 'Write "https://x.example".'],
    ['limits: [{ id: a, rate: 600/fortnight }]', 'expected a count and a period such as "600/min"'],
    ['limits: [{ id: a }]', 'a limit needs a "rate"'],
    ['limits: [{ id: a, concurrent: 1, burst: 5 }]', 'goes only with a "rate"'],
    ['limits: [{ id: a, rate: 0/s }]', 'a whole number from 1'],
    ['limits: [{ id: a, rate: 1/s }, { id: a, rate: 2/s }]', 'another limit has this id already'],
    ['callers: [{ id: a }, { id: a }]', 'another caller has this id already'],
    ['callers: [{ id: a, key: "${env:K}" }, { id: b, key: "${K}" }]', 'callers[0] has the same key'],
    ['callers: [{ id: a, key: "sha256:12" }]', 'expected "sha256:" and 64 hexadecimal digits'],
    ['profiles: { p: { tools: { "files/*": { name: x } } } }', 'expected one tool, written "server/tool"'],
    ['profiles: { p: { tools: { "a/b": { name: "x y" } } } }', 'every model provider takes'],
    ['data: ""', 'expected'],
    ['data: ~/box', '"~" is not expanded'],
    ['rules: [allow]', 'rules[0]: expected a block of "key: value" members, found the text "allow"'],
    ['rules: [{ effect: deny }]', 'rules[0].id: is missing: expected text'],
  ])('%s is refused in words', (text, words) => {
    expect(wordsOf(text)).toContain(words);
  });

  test.each([
    ['rules: [{ id: a, effect: deny, tools: ["fils/*"] }]', 'no server has the id "fils", so this matches nothing. Did you mean "files/*"?'],
    ['rules: [{ id: a, effect: deny, tools: [files] }]', 'Did you mean "files/*"?'],
    ['profiles: { p: { include: ["fils/*"] } }', 'Did you mean "files/*"?'],
    ['callers: [{ id: ann, roles: [dev] }]\nrules: [{ id: a, effect: deny, callers: [anne], roles: [devs] }]', 'no caller has the id "anne". Did you mean "ann"?'],
  ])('what would match nothing is warned of: %s', (text, words) => {
    expect(warningsOf(`${SERVER}${text}`)).toContain(words);
  });

  test('a pattern over any server is no cause for a warning', () => {
    expect(warningsOf(`${SERVER}rules: [{ id: a, effect: allow, tools: ["*", "*/read_*", "f*/x", "files/*"] }]`)).toBe('');
  });
});

describe('secrets', () => {
  const SECRET = 'sk-live-4711-hunter2';
  test.each([
    `servers: { a: { url: "http://x/", headers: "${SECRET}" } }`,
    `servers: { a: { url: "http://x/", headers: { authorization: ["${SECRET}"] } } }`,
    `servers: { a: { url: "http://x/", headers: { authorization: "\${${SECRET}}" } } }`,
    `servers: { a: { url: "http://u:${SECRET}@x/" } }`,
    `servers: { a: { url: "${SECRET}" } }`,
    `servers: { a: { command: "npx foo --token ${SECRET}", env: "${SECRET}" } }`,
    `servers: { a: { command: npx, args: "${SECRET}" } }`,
    `callers: [{ id: a, key: ["${SECRET}"] }]`,
    `callers: [{ id: a, key: "sha256:${SECRET}" }]`,
    `callers: [{ id: a, keys: "${SECRET}" }]`,
    `servers: { a: { url: "http://x/", headers: { authorization: "${SECRET} } } }`,
    `servers: { a: { url: "http://x/", headers: { authorization: *${SECRET} } } }`,
    `servers: { a: { url: "http://x/", headers: { authorization: !${SECRET} x } } }`,
    `servers:\n  a: { url: "http://x/" }\n ${SECRET}\n  b`,
    `callers:\n  - id: a\n    key: ${SECRET}: x`,
  ])('a pasted secret is in no message: %s', (text) => {
    for (const file of ['signalbox.yaml', 'signalbox.json']) expect(wordsOf(text, file)).not.toMatch(/hunter2|4711/);
  });

  test('a secret written out is warned of without being shown', () => {
    const words = warningsOf(`servers: { a: { url: "http://x/", headers: { authorization: "Bearer ${SECRET}" } } }\ncallers: [{ id: a, key: "${SECRET}" }]`);
    expect(words).toContain('servers.a.headers.authorization: a secret seems to stand here in clear');
    expect(words).toContain('callers[0].key: a key stands here in clear');
    expect(words).not.toContain('hunter2');
  });
});

describe('the text', () => {
  test.each([
    ['', 'the file is empty'],
    ['# nothing\n', 'the file is empty'],
    ['- a', 'expected a block of "key: value" members, found a list'],
    ['servers: {}\nservers: {}', '2:1  servers: this key is given twice in the same place'],
    ['servers:\n\ta: { command: x }', '2:1  a tab is used as indentation'],
    ['servers: {}\n---\nservers: {}', 'a second document begins here'],
    ['servers: { __proto__: { command: x } }', 'servers.__proto__: this name is reserved'],
    ['__proto__: { servers: {} }', 'this name is reserved'],
    ['servers: *nowhere', 'this alias ("*name") has no anchor'],
    ['servers: &a { a: *a }', 'this alias stands inside what it names'],
    ['servers: !!js/function "x"', 'tags ("!name") are not used here'],
    ['servers: { <<: { a: { command: x } } }', 'merge keys ("<<") are not used here'],
    ['? [a, b]\n: c', 'a key must be text'],
    ['servers: { a: { command: "x } }', 'a character is missing'],
    ['['.repeat(100_000), 'nested more than 64 levels deep'],
    [`log: ${'{ a: '.repeat(70)}1${' }'.repeat(70)}`, 'nested more than 64 levels deep'],
    ['a: &a [x,x,x,x,x,x,x,x,x,x]\n' + 'bcdefghij'.split('').map((name, at) => `${name}: &${name} [${Array(10).fill(`*${'abcdefghij'[at]}`).join(',')}]`).join('\n'), 'aliases ("*name") add more than 10000 values'],
  ])('refused in words: %j', (text, words) => {
    expect(wordsOf(text)).toContain(words);
  });

  test.each([
    ['{"servers": {}, "servers": {}}', '1:17  servers: this key is given twice'],
    ['{"servers": {"__proto__": {}}}', 'this name is reserved'],
    ['{"servers": {}', 'a closing "}" is missing'],
    ['['.repeat(100_000), 'nested more than 64 levels deep'],
    ['', 'the file is empty'],
  ])('refused in words as JSON: %j', (text, words) => {
    expect(wordsOf(text, 'signalbox.json')).toContain(words);
  });

  test('an alias for a value is fine, and a byte order mark and CRLF are too', () => {
    const text = '\ufeffservers:\r\n  a: { command: x, env: &e { A: b } }\r\n  b: { command: x, env: *e }\r\n';
    expect(settingsOf(text).servers[1]).toMatchObject({ env: { A: 'b' } });
    expect(problemsOf('\ufeffservres: {}')[0]).toMatchObject({ line: 1, column: 1 });
  });

  test('names of Object.prototype are names like any other', () => {
    expect(settingsOf('servers: { constructor: { command: x, env: { toString: y } } }').servers).toMatchObject([{ id: 'constructor', env: { toString: 'y' } }]);
    expect(wordsOf('constructor: 1')).toContain('constructor: unknown key');
  });

  test('control characters of a file do not reach the terminal', () => {
    expect(wordsOf('"\\e[2Jx": 1')).not.toContain('\u001b');
    expect(wordsOf('log: { level: "\\e]0;x\\a" }')).not.toContain('\u001b');
  });
});

describe('the file', () => {
  test('one that is not there, a folder, too large, or not UTF-8 is refused in words', () => {
    expect(loadWords('/nowhere/signalbox.yaml')).toContain('the file does not exist');
    expect(loadWords(temporaryFolder())).toContain('is a folder, not a file');
    expect(loadWords(fileWith(Buffer.alloc(4 * 1024 * 1024 + 1, '#')))).toContain('larger than 4194304 bytes');
    expect(loadWords(fileWith(Buffer.from('\ufeffservers: {}', 'utf16le')))).toContain('saved as UTF-16');
    expect(loadWords(fileWith(Buffer.concat([Buffer.from('a: ä\nb: '), Buffer.from([0xc3, 0x28])])))).toMatch(/:2:4 {2}this is not UTF-8 text/);
  });

  test('one with a byte order mark loads', () => {
    expect(loadWords(fileWith('\ufeffservers: {}'))).toBe('ok');
  });

  test('signalbox.yaml goes before .yml before .json', () => {
    const folder = temporaryFolder();
    expect(defaultConfigPath(folder)).toBeUndefined();
    for (const name of ['signalbox.json', 'signalbox.yml', 'signalbox.yaml']) {
      writeFileSync(join(folder, name), '');
      expect(defaultConfigPath(folder)).toBe(join(folder, name));
    }
  });
});
