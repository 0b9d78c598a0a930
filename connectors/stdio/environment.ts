/**
 * The environment of a child: a handful of inherited names that programs cannot do without, plus what the operator
 * declared. Nothing else of ours reaches a tool server, and nothing that loads code into it slips in unasked.
 */
import type { SecretSource } from '../../core/settings.ts';

const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR'] as const;

const INHERITED_ON_WINDOWS = [
  'SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE', 'USERNAME', 'HOMEDRIVE',
  'HOMEPATH', 'APPDATA', 'LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES', 'PROCESSOR_ARCHITECTURE', 'NUMBER_OF_PROCESSORS',
] as const;

export function childEnvironment(
  declared: Readonly<Record<string, string>>,
  secrets: SecretSource,
  inherited: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): Record<string, string> {
  const names = platform === 'win32' ? [...INHERITED, ...INHERITED_ON_WINDOWS] : INHERITED;
  const environment: Record<string, string> = {};
  for (const name of names) {
    const value = inherited[name];
    // An exported shell function would run code in any bash that the child starts (CVE-2014-6271).
    if (value !== undefined && !value.startsWith('()')) environment[name] = value;
  }
  for (const [name, value] of Object.entries(declared)) environment[name] = secrets.resolve(value);
  return environment;
}
