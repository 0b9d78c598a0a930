/** 200 secrets of many shapes, and where each is put. Made here, so that no scanner takes the files for a leak. */
import { createHash } from 'node:crypto';

export interface Canary {
  readonly shape: string;
  /** What must not be found. */
  readonly secret: string;
  /** A text that holds it, as such secrets are met. */
  readonly inText: string;
  /** The name of an argument that says what it is; absent where the shape does. */
  readonly name?: string;
}

const bytes = (seed: string, count: number): Buffer => Buffer.concat(Array.from({ length: Math.ceil(count / 32) }, (_, index) => createHash('sha256').update(`${seed}/${index}`).digest())).subarray(0, count);
const letters = (seed: string, count: number): string => bytes(seed, count * 2).toString('base64').replace(/[^A-Za-z0-9]/g, '').slice(0, count);
const upper = (seed: string, count: number): string => letters(seed, count).toUpperCase();

type Shape = (seed: string) => Omit<Canary, 'shape'>;
const itself = (secret: string): Omit<Canary, 'shape'> => ({ secret, inText: `see ${secret} for more` });

const SHAPES: Readonly<Record<string, Shape>> = {
  aws: (seed) => itself(`AKIA${upper(seed, 16)}`),
  github: (seed) => itself(`ghp_${letters(seed, 36)}`),
  githubFine: (seed) => itself(`github_pat_${letters(seed, 60)}`),
  gitlab: (seed) => itself(`glpat-${letters(seed, 20)}`),
  slack: (seed) => itself(`xoxb-123456789012-${letters(seed, 24)}`),
  openai: (seed) => itself(`sk-proj-${letters(seed, 48)}`),
  stripe: (seed) => itself(`sk_live_${letters(seed, 24)}`),
  google: (seed) => itself(`AIza${letters(seed, 35)}`),
  npm: (seed) => itself(`npm_${letters(seed, 36)}`),
  ours: (seed) => itself(`sbx_${letters(seed, 43)}`),
  jwt: (seed) => itself(`eyJ${letters(seed, 20)}.eyJ${letters(`${seed}b`, 60)}.${letters(`${seed}c`, 43)}`),
  pem: (seed) => ({ secret: letters(seed, 64), inText: `-----BEGIN PRIVATE KEY-----\n${letters(seed, 64)}\n-----END PRIVATE KEY-----` }),
  url: (seed) => ({ secret: letters(seed, 20), inText: `postgres://app:${letters(seed, 20)}@db/main` }),
  basic: (seed) => {
    const secret = Buffer.from(`user:${letters(seed, 20)}`).toString('base64');
    return { secret, inText: `Authorization: Basic ${secret}` };
  },
  bearer: (seed) => ({ secret: letters(seed, 32), inText: `Authorization: Bearer ${letters(seed, 32)}` }),
  cookie: (seed) => ({ secret: letters(seed, 24), inText: `Cookie: sid=${letters(seed, 24)}; theme=dark` }),
  assigned: (seed) => ({ secret: letters(seed, 24), inText: `DB_PASSWORD=${letters(seed, 24)} npm start` }),
  json: (seed) => ({ secret: letters(seed, 24), inText: `{"client_secret":"${letters(seed, 24)}","x":1}` }),
  hex: (seed) => ({ secret: bytes(seed, 32).toString('hex'), inText: `api_key: ${bytes(seed, 32).toString('hex')}`, name: 'signing_key' }),
  base64: (seed) => ({ secret: letters(seed, 43), inText: `token=${letters(seed, 43)}`, name: 'license' }),
};

/** 200: ten of each shape. */
export const CANARIES: readonly Canary[] = Object.entries(SHAPES).flatMap(([shape, make]) => Array.from({ length: 10 }, (_, index) => ({ shape, ...make(`${shape}${index}`) })));

/** Secrets of no shape at all, that the gateway itself is given. */
export const GIVEN = {
  header: `hdr ${letters('header', 10)}"quoted\\${letters('header2', 9)}`,
  file: `${letters('file', 30)}\n${letters('file2', 30)}`,
  childEnv: letters('child', 22),
  urlQuery: letters('query', 22),
  alice: letters('alice', 22),
  bob: letters('bob', 22),
  basic: Buffer.from(`svc:${letters('basicpw', 18)}`).toString('base64'),
} as const;
/** What of those must be found nowhere, line by line and decoded. */
export const GIVEN_TEXTS: readonly string[] = [...Object.values(GIVEN).flatMap((value) => value.split('\n')), letters('basicpw', 18), JSON.stringify(GIVEN.header).slice(1, -1)];
