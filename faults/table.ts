/** The table in docs/faults.md: a row for each case, replaced one by one, so that a case can be run alone. */
export interface Row {
  readonly name: string;
  readonly requirements: readonly string[];
  readonly fault: string;
  readonly promise: string;
  readonly method: string;
  readonly figure: string;
  readonly broken: readonly string[];
}

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
}

const BEGIN = '<!-- faults: written by "npm run faults -- --write" -->';
const END = '<!-- faults: end -->';
const HEAD = '| case | fault | promise | how it is tried | figure | |\n|---|---|---|---|---|---|';

/** @throws where the page has no place for it */
export function insertTable(page: string, rows: readonly Row[], machine: Machine): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`the page has no "${BEGIN}" and "${END}"`);
  const lines = new Map<string, string>();
  for (const line of page.slice(begin, end).split('\n')) {
    const name = /^\| `([\w-]+)` \|/.exec(line)?.[1];
    if (name !== undefined) lines.set(name, line);
  }
  for (const row of rows) lines.set(row.name, lineOf(row, machine.date));
  const where = `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}, ${machine.date}.`;
  return `${page.slice(0, begin)}${BEGIN}\n${where}\n\n${HEAD}\n${[...lines.values()].join('\n')}\n${page.slice(end)}`;
}

function lineOf({ name, requirements, fault, promise, method, figure, broken }: Row, date: string): string {
  const verdict = broken.length === 0 ? `PASS ${date}` : `**FAIL** ${date}: ${broken.map((text) => text.split('\n')[0]).join('; ')}`;
  const cells = [`\`${name}\``, `${fault} [${requirements.join(', ')}]`, promise, method, figure, verdict];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}
