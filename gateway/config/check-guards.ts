/** What is wrong with guards beyond their form: such as do nothing, and a server that takes the gateway's own name. */
import { blocksOf, member, textsOf, isBlock, type Block } from './checks.ts';
import type { Report } from './report.ts';

/** Tools of the gateway's own are named as if they were of a server of this id. */
const OWN_SERVER = 'signalbox';
const WORDS = ['secrets', 'personal', 'injection'];

export function checkGuards(config: Block, report: Report): void {
  const servers = member(config, 'servers');
  for (const id of isBlock(servers) ? Object.keys(servers) : []) {
    if (id.toLowerCase() === OWN_SERVER) report.problem(['servers', id], 'key', `the id "${OWN_SERVER}" is the gateway's own`, 'Give the server another id.');
  }
  for (const [index, guard] of blocksOf(config, 'guards')) {
    const path = ['guards', index];
    const says = WORDS.some((word) => (member(guard, word) ?? 'pass') !== 'pass');
    if (!says && member(guard, 'maxBytes') === undefined) {
      report.warning(path, 'key', 'this guard lets everything pass', 'Say what it does with "secrets", "personal", "injection" or "maxBytes".');
    }
    for (const [at, tool] of textsOf(guard, 'tools')) {
      if (tool.startsWith(`${OWN_SERVER}/`)) report.warning([...path, 'tools', at], 'value', 'what the gateway\'s own tools read has been guarded already, so this matches nothing');
    }
  }
}
