/** Configurations as text, read by the real loader; files in a temporary folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { formatProblems, parseConfig, type LoadOptions, type Problem } from '../../gateway/config/index.ts';
import type { Settings } from '../../core/settings.ts';

export function settingsOf(text: string, file = '/etc/signalbox.yaml', options: LoadOptions = {}): Settings {
  const result = parseConfig(text, file, options);
  if (!result.ok) throw new Error(formatProblems(result.problems));
  return result.settings;
}

export function problemsOf(text: string, file = 'signalbox.yaml', options: LoadOptions = {}): readonly Problem[] {
  const result = parseConfig(text, file, options);
  if (result.ok) throw new Error('expected problems, and it was accepted');
  return result.problems;
}

/** The problems as a terminal shows them. */
export const wordsOf = (text: string, file = 'signalbox.yaml', options: LoadOptions = {}): string => formatProblems(problemsOf(text, file, options));

export function warningsOf(text: string, file = 'signalbox.yaml'): string {
  const result = parseConfig(text, file);
  if (!result.ok) throw new Error(formatProblems(result.problems));
  return formatProblems(result.warnings);
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function fileWith(content: string | Uint8Array, name = 'signalbox.yaml'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

export async function until(condition: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
