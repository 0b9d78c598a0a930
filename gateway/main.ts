/** Where the process begins: arguments in, exit code out. Everything else is loaded by the command that needs it. */
import { realpathSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

export async function main(args: readonly string[]): Promise<void> {
  const { runProgram } = await import('./cli/program.ts');
  await runProgram(args);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  enableCompileCache();
  await main(process.argv.slice(2));
}
