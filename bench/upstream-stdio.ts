/** A bare MCP server over stdio for both eras: the quickest upstream that is still valid. `--tools N` holds N tools. */
import { parseArgs } from 'node:util';
import { createAnswers } from './fixtures/answers.ts';
import { onLine } from './fixtures/lines.ts';
import { createTools } from './fixtures/tools.ts';

const { values } = parseArgs({ options: { tools: { type: 'string', default: '1' } } });
const answer = createAnswers(createTools(Number(values.tools)));

onLine(process.stdin, (line) => {
  const { body } = answer(line);
  if (body !== undefined) process.stdout.write(`${body}\n`);
});
process.stdin.on('end', () => process.exit(0));
