/** A clock that can be set while a process runs: libfaketime, found or installed from Debian. */
import { spawnSync } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';

export interface Clock {
  /** For the environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** `+0`, or so far from the true time as libfaketime writes it: `+1d`, `-1d`, `+31m`. Seen within a second. */
  set(offset: string): void;
}

export interface ClockOptions {
  /** A file of its own. */
  readonly file: string;
  /** Whether time that only ever passes (CLOCK_MONOTONIC) jumps as well: then it is not the clock that is set, but time that has passed. */
  readonly timePasses?: boolean;
}

/** @throws where there is none and none can be installed */
export function createClock({ file, timePasses = false }: ClockOptions): Clock {
  const library = find() ?? install();
  const set = (offset: string): void => writeFileSync(file, `${offset}\n`);
  set('+0');
  const keep = timePasses ? '0' : '1';
  return { env: { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: keep, DONT_FAKE_MONOTONIC: keep }, set };
}

const find = (): string | undefined => globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0];

function install(): string {
  for (const args of [['update', '-q'], ['install', '-q', '-y', '--no-install-recommends', 'faketime']]) {
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
  const library = find();
  if (library === undefined) throw new Error('libfaketime is needed: it is not here, and cannot be installed ("apt-get install faketime", as root)');
  return library;
}
