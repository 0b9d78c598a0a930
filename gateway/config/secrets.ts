/**
 * Resolves references at the moment of use, so that a rotated file or variable is seen without a reload.
 * Nothing is cached, and no error ever holds a value.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { MissingSecret, type SecretSource } from '../../core/settings.ts';
import { parseReferences, type TextPart } from './references.ts';

const MAX_SECRET_BYTES = 64 * 1024;

export interface SecretSourceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative `${file:PATH}` start from: the configuration's. */
  readonly baseDir: string;
}

export function createSecretSource(options: SecretSourceOptions): SecretSource {
  return {
    resolve: (text) => parseReferences(text).map((part) => partValue(part, options)).join(''),
  };
}

function partValue(part: TextPart, options: SecretSourceOptions): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'env': {
      const value = Object.hasOwn(options.env, part.name) ? options.env[part.name] : undefined;
      // As in a shell, `:-` also stands in for an empty value.
      if (part.fallback !== undefined) return value === undefined || value === '' ? part.fallback : value;
      if (value === undefined) throw new MissingSecret(`the environment variable ${part.name} is not set; "\${env:${part.name}}" needs it`);
      if (value === '') throw new MissingSecret(`the environment variable ${part.name} is empty; "\${env:${part.name}}" needs it`);
      return value;
    }
    case 'file':
      return fileValue(part.path, options.baseDir);
    case 'unknown':
      throw new MissingSecret('a "${...}" is neither ${env:NAME} nor ${file:PATH}; write "$${" for a plain "${"');
    default:
      return part satisfies never;
  }
}

function fileValue(path: string, baseDir: string): string {
  const wanted = `"\${file:${path}}" needs it`;
  const whole = resolve(baseDir, path);
  let bytes: Buffer;
  try {
    const descriptor = openSync(whole, 'r');
    try {
      const stat = fstatSync(descriptor);
      if (stat.isDirectory()) throw new MissingSecret(`${whole} is a folder, not a file; ${wanted}`);
      if (stat.size > MAX_SECRET_BYTES) throw new MissingSecret(`the file ${whole} is larger than ${MAX_SECRET_BYTES} bytes; ${wanted}`);
      bytes = readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof MissingSecret) throw error;
    throw new MissingSecret(`the file ${whole} ${whyUnreadable(error)}; ${wanted}`);
  }
  const value = bytes.toString('utf8').replace(/\r?\n$/, '');
  if (value === '') throw new MissingSecret(`the file ${whole} is empty; ${wanted}`);
  return value;
}

/** An errno in words. */
export function whyUnreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by this user';
    case 'EISDIR':
      return 'is a folder, not a file';
    case 'ENOTDIR':
      return 'does not exist: a part of its path is no folder';
    default:
      return `cannot be read (${code ?? 'unknown error'})`;
  }
}
