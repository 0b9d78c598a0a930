/** `signalbox audit export`: records to stdout, a file or a collector, as fast as those take them and no faster. */
import { open, type FileHandle } from 'node:fs/promises';
import { printable, printableLines } from '../../../core/text.ts';
import { collectorHeaders, collectorUrl, createCollector } from '../../audit/collector.ts';
import { exported, type ExportFormat } from '../../audit/export.ts';
import type { FilterWords } from '../../audit/index.ts';
import { CommandError, EXIT } from '../exit.ts';
import { counted, tell } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { filterOf, withIndex } from './indexed.ts';

export interface ExportOptions extends CommonOptions, FilterWords {
  readonly format: ExportFormat;
  readonly out?: string;
  readonly endpoint?: string;
}

interface Sink {
  /** Resolves when more may come; false where nobody reads any more. */
  take(text: string): Promise<boolean>;
  end(): Promise<void>;
  /** Of the records that it was given, those that it did not take. */
  readonly rejected: number;
}

const CHUNK_CHARS = 65_536;

export async function exportRecords(options: ExportOptions): Promise<void> {
  const { format, out, endpoint } = options;
  if (endpoint !== undefined && (format !== 'otlp' || out !== undefined)) throw new CommandError('"--endpoint" goes with "--format otlp", and without "--out".', EXIT.usage);
  const filter = filterOf(options);
  await withIndex(dataDirOf(options), async (index, reader) => {
    const sink = endpoint !== undefined ? collectorSink(endpoint) : out !== undefined ? await fileSink(out) : stdoutSink();
    let count = 0;
    let skipped = 0;
    try {
      for (const piece of exported(format, index, reader, filter)) {
        count += piece.count;
        skipped += piece.skipped ?? 0;
        if (piece.text !== '' && !(await sink.take(piece.text))) return;
      }
    } finally {
      await sink.end();
    }
    if (skipped > 0) tell(`${counted(skipped, 'record')} left out: ${format} is of calls only.`);
    if (out !== undefined || endpoint !== undefined) tell(`${counted(count - sink.rejected, format === 'jsonl' ? 'record' : 'entry').replace(/entrys$/, 'entries')} exported.`);
    if (sink.rejected > 0) throw new CommandError(`The collector refused ${counted(sink.rejected, 'record')}.`);
  });
}

/** Small pieces put together; a write for each would take most of the time. */
function gathering(write: (text: string) => Promise<boolean>): Pick<Sink, 'take' | 'end'> {
  let gathered: string[] = [];
  let chars = 0;
  const flush = async (): Promise<boolean> => {
    const text = gathered.join('');
    gathered = [];
    chars = 0;
    return text === '' || (await write(text));
  };
  return {
    async take(text) {
      gathered.push(text);
      chars += text.length;
      return chars < CHUNK_CHARS || (await flush());
    },
    end: async () => void (await flush()),
  };
}

function stdoutSink(): Sink {
  const { stdout } = process;
  // Node's stdout says that it is writable again after a write that failed.
  let isRead = true;
  stdout.once('error', () => (isRead = false));
  const write = async (text: string): Promise<boolean> => {
    if (!isRead) return false;
    if (!stdout.write(stdout.isTTY ? printableLines(text) : text)) await drained(stdout);
    return isRead;
  };
  return { ...gathering(write), rejected: 0 };
}

/** One that closes while it is waited for is read by nobody any more. */
function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.on(event, done);
  });
}

async function fileSink(path: string): Promise<Sink> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CommandError(isThere ? `${printable(path)} is there already: nothing is written over.` : `${printable(path)} cannot be written: ${(error as Error).message}.`, EXIT.usage);
  }
  const { take, end } = gathering(async (text) => {
    await file.writeFile(text);
    return true;
  });
  return {
    take,
    async end() {
      await end();
      await file.sync();
      await file.close();
    },
    rejected: 0,
  };
}

function collectorSink(endpoint: string): Sink {
  const url = collectorUrl(endpoint);
  if (url === undefined) throw new CommandError(`"${printable(endpoint)}" is no address of a collector: expected something like http://127.0.0.1:4318.`, EXIT.usage);
  const collector = createCollector({ url, headers: collectorHeaders(process.env['OTEL_EXPORTER_OTLP_HEADERS']) });
  let rejected = 0;
  return {
    async take(text) {
      try {
        rejected += await collector.send(text);
      } catch (error) {
        throw new CommandError(printable((error as Error).message));
      }
      return true;
    },
    end: () => Promise.resolve(),
    get rejected() {
      return rejected;
    },
  };
}
