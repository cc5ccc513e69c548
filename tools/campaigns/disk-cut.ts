/** Cut power under the real log, SQLite included, out of what the kernel was asked for: see README.md. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { parseCreateEntryResponse } from '../../src/core/wire/log.ts';
import { fsckLog } from '../../src/servers/log/fsck.ts';
import { createTransparencyLog } from '../../src/servers/log/transparency-log.ts';
import { findPeer } from '../../test/support/peers.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { parseTrace, TracedDisk, type DiskCall } from './disk-trace.ts';
import { writeReport } from './report.ts';
import { logEntry } from './stack-load.ts';

const CALLS = 'openat,mkdir,unlink,link,rename,ftruncate,write,pwrite64,writev,fsync,fdatasync';
const ORIGIN = 'log.example.org';

export interface DiskCutFigures {
  readonly cuts: number;
  readonly calls: number;
  readonly entries: number;
}

/**
 * One run of a log under `strace`, then as many cuts as asked: what the disk would hold after a random call, put into a
 * folder and opened as a log.
 *
 * @throws AssertionError when an entry whose 201 had left before the cut is lost, or any tile is wrong
 */
export async function cutDisk(
  strace: string,
  cuts: number,
  entries: number,
  random: () => number,
): Promise<DiskCutFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-disk-'));
  try {
    const key = PrivateKey.generate('ed25519');
    const root = join(folder, 'disk');
    const calls = await traceRun(strace, folder, root, key, entries);
    for (let cut = 0; cut < cuts; cut++) {
      const last = Math.floor(random() * calls.length);
      const luck = random() < 0.3 ? 0 : random();
      await checkCut(join(folder, 'cut'), root, key, calls.slice(0, last), () => random() < luck);
    }
    return { cuts, calls: calls.length, entries };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function traceRun(
  strace: string,
  folder: string,
  root: string,
  key: PrivateKey,
  entries: number,
): Promise<readonly DiskCall[]> {
  await mkdir(root);
  const [keyFile, trace] = [join(folder, 'key'), join(folder, 'trace')];
  await writeFile(keyFile, key.toPkcs8());
  const program = join(import.meta.dirname, 'log-process.ts');
  const flags = ['-f', '-y', '-xx', '-s', '2000000', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', trace];
  const child = spawn(strace, [...flags, process.execPath, program, join(root, 'log'), keyFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  const [pid = '', url = ''] = await new Promise<string[]>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => {
      resolve(line.toString().trim().split(' '));
    });
    void exited.then(() => {
      reject(new Error('the traced log ended'));
    });
  });
  try {
    const acknowledged = new Acknowledgements();
    for (let sent = 0; sent < entries;) {
      const together = Math.min(entries - sent, sent % 3 === 0 ? 1 : 20);
      await Promise.all(Array.from({ length: together }, (_, n) => logEntry(url, `entry ${sent + n}`, acknowledged)));
      sent += together;
    }
  } finally {
    // strace blocks signals while it runs a program; it ends with it.
    process.kill(Number(pid), 'SIGKILL');
    await exited;
  }
  return parseTrace(await readFile(trace, 'utf8'));
}

async function checkCut(
  dir: string,
  root: string,
  key: PrivateKey,
  calls: readonly DiskCall[],
  arrived: () => boolean,
): Promise<void> {
  const disk = new TracedDisk(root);
  const acknowledged = new Acknowledgements();
  for (const call of calls) {
    disk.apply(call);
    if (call.kind !== 'answer' || !call.text.includes('HTTP/1.1 201')) continue;
    const body = call.text.slice(call.text.indexOf('\r\n\r\n') + 4);
    acknowledged.addEntry(parseCreateEntryResponse(utf8(body)));
  }
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir);
  for (const [path, bytes] of disk.afterCut(arrived)) {
    if (bytes === undefined) await mkdir(join(dir, path), { recursive: true });
    else {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), bytes);
    }
  }
  const log = await createTransparencyLog({ dir: join(dir, 'log'), origin: ORIGIN, key, now: () => new Date() });
  await log.close();
  const report = await fsckLog({ dir: join(dir, 'log'), origin: ORIGIN, key: key.publicKey });
  assert.deepEqual(report.differences, []);
  await acknowledged.checkLog(join(dir, 'log'));
}

if (import.meta.main) {
  const strace = findPeer('strace');
  assert.ok(strace !== undefined, 'strace is not installed; run: tools/peers install strace');
  const { cuts, calls, entries } = await cutDisk(strace, Number(process.argv[2] ?? '100'), 300, Math.random);
  await writeReport('disk-cut', [
    `One run of a log that acknowledged ${entries} entries, traced by \`strace\`: ${calls} calls that write, name, sync or answer. Then ${cuts} times: the disk as it would be if the power had gone after a random call, SQLite's files included, with what no sync of file and folder followed lost or arrived, each write by chance (three times in ten: all of it lost).`,
    '',
    `- every one of the ${cuts} disks opened as a log`,
    '- every entry whose 201 had been handed to the kernel before the cut was there, under its index; lost: none',
    '- every tile was equal to one derived from the entries, and every checkpoint answered before the cut was of a prefix of the tree',
  ]);
}
