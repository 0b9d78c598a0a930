/** Where the process begins: arguments in, exit code out. Everything else is loaded by the command that needs it. */
import { realpathSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What V8 has compiled is kept with the package: who can write there can change the code itself. In the system's temporary
 * folder, where Node.js would keep it, anybody could leave code for us. Where it cannot be written, there is none.
 */
const COMPILED = join(import.meta.dirname, '../node_modules/.cache/signalbox');

export async function main(args: readonly string[]): Promise<void> {
  enableCompileCache(COMPILED);
  const { runProgram } = await import('./cli/program.ts');
  await runProgram(args);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
