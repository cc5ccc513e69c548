/**
 * Bundles the commands of this checkout that are started often, unless nothing has changed since. `tools/install` runs
 * it; `bin/start.cjs` uses a bundle only while every file that went into it is untouched.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND_BUNDLES, LATE_BUNDLES, ROOT, writeBundle, writeLateBundle } from './bundle.ts';

const FOLDER = join(ROOT, 'node_modules/.cache/sealwright');

/** What a bundle depends on without holding it: how it is made, and which packages are installed. */
const MAKING = ['tools/bundle/bundle.ts', 'tools/bundle/checkout.ts', 'node_modules/.package-lock.json'];

/** Changes within one tick of the file system's clock look like one. */
const CLOCK_TICK_MS = 50;

/** Path, size, inode, times of last change to the file and to its contents: as `bin/start.cjs` compares them. */
type Recorded = readonly [path: string, size: number, ino: number, ctimeMs: number, mtimeMs: number];

function record(path: string): Recorded {
  const { size, ino, ctimeMs, mtimeMs } = statSync(join(ROOT, path));
  return [path, size, ino, ctimeMs, mtimeMs];
}

function isFresh(name: string): boolean {
  try {
    const { inputs } = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as { inputs: Recorded[] };
    return inputs.every((recorded) => JSON.stringify(record(recorded[0])) === JSON.stringify(recorded));
  } catch {
    return false;
  }
}

/** Through a folder of its own and a rename, so that nobody ever starts half a bundle. */
async function renew(name: string, write: (folder: string) => Promise<readonly string[]>): Promise<void> {
  const startedMs = Date.now();
  const temporary = join(FOLDER, `${process.pid}`);
  try {
    const inputs = [...(await write(temporary)), ...MAKING].map(record);
    // A file that changes while it is read may be recorded as it is and bundled as it was.
    if (inputs.some(([, , , ctimeMs]) => ctimeMs > startedMs - CLOCK_TICK_MS)) return;
    rmSync(join(FOLDER, `${name}.json`), { force: true });
    renameSync(join(temporary, `${name}.cjs`), join(FOLDER, `${name}.cjs`));
    writeFileSync(join(temporary, `${name}.json`), JSON.stringify({ inputs }));
    renameSync(join(temporary, `${name}.json`), join(FOLDER, `${name}.json`));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

mkdirSync(FOLDER, { recursive: true });
// First what the others ask for. Packages' own files are compared here only: a command's start takes npm's word for them.
const writers = [
  ...LATE_BUNDLES.map((name) => [name, (folder: string) => writeLateBundle(name, folder)] as const),
  ...COMMAND_BUNDLES.map((bundle) => [bundle.name, (folder: string) => writeBundle(bundle, folder)] as const),
];
for (const [name, write] of writers) if (!isFresh(name)) await renew(name, write);
