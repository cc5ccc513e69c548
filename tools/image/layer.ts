/** A layer of an image: the same files make the same bytes, whoever builds it and whenever. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarArchive, type TarEntry } from '../../examples/tar-archive.ts';
import { Digest } from '../../src/core/image/digest.ts';

const FOLDER_MODE = 0o755;
const EXECUTABLE_MODE = 0o755;
const FILE_MODE = 0o644;

export interface Layer {
  /** What is in it, for the image's history. */
  readonly about: string;
  readonly compressed: Uint8Array;
  /** Of the archive before it is compressed (image-spec, `rootfs.diff_ids`). */
  readonly diffId: Digest;
}

/** @param entries files, and the folders that are to be empty; those that lead to them are added */
export function layerOf(about: string, entries: readonly TarEntry[]): Layer {
  const all = new Map<string, TarEntry>();
  for (const { path } of entries) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      all.set(path.slice(0, end + 1), folderEntry(path.slice(0, end + 1)));
    }
  }
  for (const entry of entries) all.set(entry.path, entry);
  // By their bytes: the order of a locale is that of a machine.
  const sorted = [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const archive = tarArchive(sorted);
  return { about, compressed: gzipSync(archive), diffId: Digest.of(archive) };
}

export function folderEntry(path: string, mode = FOLDER_MODE): TarEntry {
  return { path, mode, content: new Uint8Array(0) };
}

export function textEntry(path: string, text: string): TarEntry {
  return { path, mode: FILE_MODE, content: Buffer.from(text) };
}

/** A file of this machine. Of its mode only whether its owner may run it is kept. */
export function fileEntry(path: string, source: string): TarEntry {
  const isExecutable = (statSync(source).mode & 0o100) !== 0;
  return { path, mode: isExecutable ? EXECUTABLE_MODE : FILE_MODE, content: readFileSync(source) };
}

/** Everything below a folder of this machine. */
export function treeEntries(path: string, source: string): readonly TarEntry[] {
  return readdirSync(source, { withFileTypes: true }).flatMap((entry) => {
    const from = join(source, entry.name);
    const to = `${path}/${entry.name}`;
    if (entry.isDirectory()) return treeEntries(to, from);
    if (!entry.isFile()) throw new Error(`${from} is neither a file nor a folder`);
    return [fileEntry(to, from)];
  });
}
