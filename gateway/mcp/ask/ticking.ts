/**
 * Progress of a call that waits, for the client that asked for progress: seconds, and what is waited for. The tool's own
 * progress goes on from there, since a token's values only ever rise (MCP, basic/utilities/progress).
 */
import { performance } from 'node:perf_hooks';
import type { Progress } from '../../../core/progress.ts';

export type OnProgress = (progress: Progress) => void;

export interface Ticking {
  /** For the call that goes on: its first step comes after the last one here. */
  readonly onward: OnProgress | undefined;
  /** Says it now, and again every few seconds until `stop`. */
  say(message: string): void;
  stop(): void;
}

const EVERY_MS = 5000;

/** @param onProgress undefined where the client wants none: then nothing happens here */
export function createTicking(onProgress: OnProgress | undefined, totalMs: number | undefined): Ticking {
  if (onProgress === undefined) return { onward: undefined, say() {}, stop() {} };
  const since = performance.now();
  const total = totalMs === undefined ? {} : { total: totalMs / 1000 };
  let last = -1;
  let timer: NodeJS.Timeout | undefined;
  const tick = (message: string): void => {
    last = Math.max(last + 0.001, Math.floor(performance.now() - since) / 1000);
    onProgress({ progress: last, ...total, message });
  };
  return {
    onward(step) {
      const base = last + 1;
      onProgress({ ...step, progress: base + step.progress, ...(step.total === undefined ? {} : { total: base + step.total }) });
    },
    say(message) {
      clearInterval(timer);
      tick(message);
      timer = setInterval(tick, EVERY_MS, message);
    },
    stop: () => clearInterval(timer),
  };
}
