/** What a process holds, as the kernel counts it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const KIB = 1024;

const statusField = (pid: number, field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * KIB;

export const rssBytes = (pid: number): number => statusField(pid, 'VmRSS');
/** The most since the start, or since `forgetPeak`. */
export const peakRssBytes = (pid: number): number => statusField(pid, 'VmHWM');
/** proc(5), clear_refs: 5 sets the peak to what is held now. */
export const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');
export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
