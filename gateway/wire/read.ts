/** A request's body as bytes, never more than allowed. */
import type { IncomingMessage } from 'node:http';

/**
 * @returns `too-large` as soon as more than `maxBytes` are announced or arrive (the rest is not read), `gone` when the
 * client went away
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer | 'too-large' | 'gone'> {
  return new Promise((resolve) => {
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) return resolve('too-large');
    let chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return chunks.push(chunk);
      chunks = [];
      req.pause();
      return resolve('too-large');
    });
    req.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    req.once('close', () => resolve('gone'));
  });
}
