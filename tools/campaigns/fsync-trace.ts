/** One entry through the whole stack, as the kernel saw it: see README.md. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '../../test/support/peers.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { writeReport } from './report.ts';
import { logEntry } from './stack-load.ts';
import { StackProcess } from './stack-process.ts';

const CALLS = 'read,write,writev,sendto,openat,pwrite64,fsync,fdatasync,link,linkat,rename,renameat,renameat2';

/** A system call of the traced process: when it had ended, and what it was. */
interface Call {
  readonly thread: string;
  readonly text: string;
}

export interface FsyncTrace {
  /** From the request to the answer, of the log's files and the socket only; paths relative to the stack's folder. */
  readonly lines: readonly string[];
}

/** @throws AssertionError when the answer left before the commit and the staged files were synced */
export async function traceFsync(strace: string): Promise<FsyncTrace> {
  const dir = await mkdtemp(join(tmpdir(), 'sealwright-trace-'));
  try {
    const output = join(dir, 'strace');
    const wrap = [strace, '-f', '-y', '-s', '40', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', output];
    const stack = await StackProcess.start(join(dir, 'stack'), wrap);
    await logEntry(stack.url, 'first', new Acknowledgements());
    await logEntry(stack.url, 'traced', new Acknowledgements());
    await stack.stop();
    const calls = completedCalls(await readFile(output, 'utf8'));
    return { lines: checked(lastExchange(calls)).map(({ thread, text }) => `${thread} ${shorten(text, dir)}`) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** strace cuts a call in two where another thread's comes in between; it counts where it ends. */
function completedCalls(log: string): readonly Call[] {
  const begun = new Map<string, string>();
  const calls: Call[] = [];
  for (const line of log.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith('<unfinished ...>')) begun.set(thread, text.slice(0, -'<unfinished ...>'.length).trimEnd());
    else {
      const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
      calls.push({ thread, text: resumed === undefined ? text : `${begun.get(thread) ?? ''}${resumed}` });
    }
  }
  return calls;
}

function lastExchange(calls: readonly Call[]): readonly Call[] {
  const request = calls.findLastIndex(({ text }) => text.includes('POST /api/v2/log/entries'));
  const answer = calls.findIndex(({ text }, at) => at > request && text.includes('HTTP/1.1 201'));
  assert.ok(request >= 0 && answer > request, 'the trace holds no exchange');
  const isOurs = (text: string): boolean => /\/stack\/log\/|POST \/api|HTTP\/1\.1 201/.test(text);
  return calls.slice(request, answer + 1).filter(({ text }) => isOurs(text));
}

function checked(calls: readonly Call[]): readonly Call[] {
  const last = (pattern: RegExp): number => calls.findLastIndex(({ text }) => pattern.test(text));
  const written = last(/^pwrite64\(.*log\.sqlite-wal>/);
  const synced = last(/^f(data)?sync\(.*log\.sqlite-wal>\) += 0/);
  assert.ok(written >= 0 && synced > written, 'the commit is not synced before the answer');
  const staged = calls.filter(({ text }) => /^openat\(.*\/staging\/\d+", O_WRONLY/.test(text)).length;
  const synceds = calls.filter(({ text }) => /^fsync\(\d+<.*\/staging\/\d+>\) += 0/.test(text)).length;
  assert.ok(staged > 0 && synceds === staged, `${synceds} of ${staged} staged files are synced before the answer`);
  const named = calls.findIndex(({ text }) => /^(link|rename)(at2?)?\(/.test(text));
  assert.ok(named > last(/^fsync\(\d+<.*\/staging\//) && named > synced, 'a name is given before its bytes are synced');
  return calls;
}

function shorten(text: string, dir: string): string {
  return text
    .replaceAll(join(dir, 'stack/'), '')
    .replace(/AT_FDCWD<[^>]*>/, 'AT_FDCWD')
    .replace(/"(?!POST|HTTP)((?:[^"\\]|\\.){40})"\.\.\./, '"…"')
    .slice(0, 150);
}

if (import.meta.main) {
  const strace = findPeer('strace');
  assert.ok(strace !== undefined, 'strace is not installed; run: tools/peers install strace');
  const { lines } = await traceFsync(strace);
  await writeReport('fsync-trace', [
    'One entry sent to a running stack (`strace -f -y` over `bin/sealwright up`), from the request to its 201; thread in front, calls where they end.',
    "The log's thread writes the tiles and the checkpoint to files of their own and syncs them beside the commit (`log.sqlite-wal`); names are given after both; then the answer goes out.",
    'The names of the folders are synced afterwards: until then the commit holds the entry, and a start-up would place it again (docs/decisions/0006).',
    '',
    '```',
    ...lines,
    '```',
  ]);
}
