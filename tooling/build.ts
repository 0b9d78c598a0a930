/**
 * `npm run build`: the gateway and all that it is made of in a few files under dist/, which start sooner and keep less in
 * memory than the packages they come from. Checks no types (`npm run check` does), and downloads nothing.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { rolldown, type OutputChunk, type Plugin } from 'rolldown';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

/** Of undici only connections are used; its index would bring `fetch`, web sockets and caches along: 1 MB, at every start. */
const connectionsOnly: Plugin = {
  name: 'undici: connections only',
  load: {
    filter: { id: /[/\\]node_modules[/\\]undici[/\\]index\.js$/ },
    handler: () => ['client', 'pool'].map((part) => `export { default as ${part[0]?.toUpperCase()}${part.slice(1)} } from './lib/dispatcher/${part}.js';`).join('\n'),
  },
};

/**
 * Importing `node:http` as a module reads every member of it, and some are getters that load Node's own `fetch` and web
 * sockets: 13 MB and 35 ms. Those are left out.
 */
const httpWithoutFetch: Plugin = {
  name: 'node:http without fetch',
  resolveId(id, _importer, { kind }) {
    return id === 'node:http' && kind === 'import-statement' ? '\0node:http' : undefined;
  },
  load(id) {
    if (id !== '\0node:http') return undefined;
    const names = Object.entries(Object.getOwnPropertyDescriptors(http)).flatMap(([name, { get }]) => (get === undefined ? [name] : []));
    return `const http = process.getBuiltinModule('node:http');\nexport const { ${names.join(', ')} } = http;`;
  },
};

async function bundle(): Promise<OutputChunk[]> {
  const build = await rolldown({
    cwd: ROOT,
    // What is started by its URL is an entry of its own, and stands beside whatever starts it.
    input: { main: 'gateway/main.ts', worker: 'store/ledger/worker.ts' },
    platform: 'node',
    // It finds its binary beside its own files.
    external: ['better-sqlite3'],
    resolve: { mainFields: ['module', 'main'] },
    // A module of ours is loaded for what is used of it, also where it comes through its folder's index.
    treeshake: { moduleSideEffects: [{ test: /^better-sqlite3$|^(?!.*[/\\]node_modules[/\\]).*\.ts$/, sideEffects: false }] },
    plugins: [connectionsOnly, httpWithoutFetch],
    onLog(level, log, otherwise) {
      // Anything that cannot be resolved or exported as written would fail where it runs.
      otherwise(level === 'warn' ? 'error' : level, log);
    },
  });
  const { output } = await build.write({
    dir: DIST,
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await build.close();
  return output.filter((file) => file.type === 'chunk');
}

/** The folders of the packages that code was taken from. */
function packagesIn(chunks: readonly OutputChunk[]): string[] {
  const packages = new Set<string>();
  for (const { modules } of chunks) {
    for (const [id, { renderedLength }] of Object.entries(modules)) {
      const dir = /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(id)?.[0];
      if (dir !== undefined && renderedLength > 0) packages.add(dir);
    }
  }
  return [...packages];
}

/** Their licences ask that their words go with the code. @throws Error for a package that has none */
function licencesOf(packages: readonly string[]): string {
  const texts = packages.map((dir) => {
    const { name, version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Record<string, string>;
    const files = readdirSync(dir).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
    if (license === undefined && files.length === 0) throw new Error(`${name} says nothing about its licence`);
    return [`${name} ${version} (${license})`, ...files.map((file) => readFileSync(join(dir, file), 'utf8').trim())].join('\n\n');
  });
  return `dist/ contains code of these packages.\n\n${texts.toSorted().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

const chunks = await bundle();
writeFileSync(join(DIST, 'THIRD-PARTY-LICENSES'), licencesOf(packagesIn(chunks)));
