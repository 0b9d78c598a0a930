/** The prompt of `signalbox call`: what is typed that is no answer, and how a person leaves it. */
import { expect, test } from 'vitest';
import { until } from '../support/poll.ts';
import { callOnTerminal, PROMPT, type Terminal } from './faces.ts';
import { openWorld } from './world.ts';

const count = (terminal: Terminal, text: string): number => terminal.out().split(text).length - 1;
const prompts = (terminal: Terminal, times: number): Promise<unknown> => until(`prompt ${times}`, () => count(terminal, PROMPT) >= times);
const ended = (terminal: Terminal): Promise<unknown> => until('the end of the command', () => terminal.code() !== undefined);

test('what is neither yes nor no asks again, and so do arguments that are none', async () => {
  const world = await openWorld();
  const terminal = callOnTerminal(world, { a: 1 });
  await prompts(terminal, 1);
  terminal.type('\r');
  await until('the prompt once more', () => /later: .*later: /s.test(terminal.out()));
  terminal.type('yess\r');
  await until('the prompt once more', () => terminal.out().split('yess')[1]?.includes(PROMPT) === true);
  expect(world.executed()).toEqual([]);
  terminal.type('e\r');
  await until('the arguments', () => /Arguments: .*Arguments: .*\{"a":1\}/s.test(terminal.out()));
  terminal.type('}\r');
  await until('what is wrong', () => terminal.out().includes('no JSON object'));
  terminal.type('\u0015{"b":2}\r');
  await ended(terminal);
  expect(terminal.code()).toBe(0);
  expect(world.executed()).toEqual([{ b: 2 }]);
});

test.each([
  ['Ctrl-C ends the command as a signal would', '\u0003', 130],
  ['the end of the input leaves it for later', '\u0004', 4],
])('%s, and the request stays as it is', async (_what, key, code) => {
  const world = await openWorld();
  const terminal = callOnTerminal(world, { a: 1 });
  await prompts(terminal, 1);
  terminal.type(key);
  await ended(terminal);
  expect(terminal.code()).toBe(code);
  expect(world.executed()).toEqual([]);
  expect(world.pending()).toHaveLength(1);
});
