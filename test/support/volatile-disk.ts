/**
 * A disk in memory that tells apart what was written and what was forced: after a power cut a name is there if its folder
 * was synced after the name was given, and bytes are there if their file was synced after they were written. What was not
 * forced may be there, wholly, in part, or as zeros; a seed decides.
 */
import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import type { FileLayer, GrowingFile, StoredFile } from '../../src/servers/registry/file-layer.ts';

interface FileNode {
  readonly kind: 'file';
  bytes: Buffer;
  /** What the last sync forced; undefined when there was none. */
  forced: Buffer | undefined;
}

interface FolderNode {
  readonly kind: 'folder';
  readonly names: Map<string, Node>;
  /** What the last sync forced. */
  forced: Map<string, Node>;
}

type Node = FileNode | FolderNode;

export class PowerLost extends Error {}

/** 0 up to, not including, 1; the same every time for a seed. */
export type Random = () => number;

/** mulberry32: small, and good enough to choose among faults. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface DiskFaults {
  /** The operation after which the power is gone. */
  readonly cutAfter?: number;
  /** Syncs that return without having forced anything, as on hardware that lies, or in code that forgot them. */
  readonly ignoredSyncs?: 'files' | 'folders';
}

export class VolatileDisk implements FileLayer {
  readonly #root: FolderNode;
  readonly #faults: DiskFaults;
  /** Operations so far. */
  operations = 0;

  constructor(faults: DiskFaults = {}, root: FolderNode = newFolder()) {
    this.#faults = faults;
    this.#root = root;
  }

  /** The disk as it is when the power comes back. */
  afterPowerCut(random: Random, faults: DiskFaults = {}): VolatileDisk {
    return new VolatileDisk(faults, survivor(this.#root, random));
  }

  async open(path: string): Promise<StoredFile | undefined> {
    await this.#operation();
    const node = this.#file(path);
    if (node === undefined) return undefined;
    const { bytes } = node;
    return {
      sizeBytes: bytes.length,
      stream: (start, end) => new Blob([Uint8Array.from(bytes.subarray(start, end + 1))]).stream(),
      close: () => Promise.resolve(),
    };
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    await this.#operation();
    return this.#file(path)?.bytes;
  }

  async stat(path: string): Promise<{ sizeBytes: number; modifiedMs: number } | undefined> {
    await this.#operation();
    const node = this.#find(path);
    return node === undefined ? undefined : { sizeBytes: node.kind === 'file' ? node.bytes.length : 0, modifiedMs: 0 };
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#operation();
    const node = this.#find(path);
    return node?.kind === 'folder' ? [...node.names.keys()] : [];
  }

  async append(path: string): Promise<GrowingFile> {
    await this.#operation();
    const folder = this.#parent(path);
    const node = this.#file(path) ?? { kind: 'file', bytes: Buffer.alloc(0), forced: undefined };
    folder.names.set(basename(path), node);
    return {
      append: async (bytes) => {
        await this.#operation();
        node.bytes = Buffer.concat([node.bytes, bytes]);
      },
      truncate: async (sizeBytes) => {
        await this.#operation();
        node.bytes = node.bytes.subarray(0, sizeBytes);
      },
      sync: async () => {
        await this.#operation();
        if (this.#faults.ignoredSyncs !== 'files') node.forced = node.bytes;
      },
      close: () => Promise.resolve(),
    };
  }

  async makeFolder(path: string): Promise<void> {
    await this.#operation();
    const { names } = this.#parent(path);
    if (!names.has(basename(path))) names.set(basename(path), newFolder());
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#operation();
    const node = this.#find(from);
    assert.ok(node !== undefined, `nothing to rename at ${from}`);
    this.#parent(to).names.set(basename(to), node);
    this.#parent(from).names.delete(basename(from));
  }

  async link(from: string, to: string): Promise<boolean> {
    await this.#operation();
    const node = this.#file(from);
    if (node !== undefined) this.#parent(to).names.set(basename(to), node);
    return node !== undefined;
  }

  async remove(path: string): Promise<boolean> {
    await this.#operation();
    return this.#file(path) !== undefined && this.#parent(path).names.delete(basename(path));
  }

  async removeTree(path: string): Promise<void> {
    await this.#operation();
    if (this.#find(path) !== undefined) this.#parent(path).names.delete(basename(path));
  }

  async syncFolder(path: string): Promise<void> {
    await this.#operation();
    const node = this.#find(path);
    assert.ok(node?.kind === 'folder', `no folder to sync at ${path}`);
    if (this.#faults.ignoredSyncs !== 'folders') node.forced = new Map(node.names);
  }

  /** Lets others go first, as every real file operation does; fails once the power is gone. */
  async #operation(): Promise<void> {
    await Promise.resolve();
    this.operations += 1;
    if (this.operations > (this.#faults.cutAfter ?? Infinity)) throw new PowerLost('the power is gone');
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      node = node?.kind === 'folder' ? node.names.get(name) : undefined;
    }
    return node;
  }

  #file(path: string): FileNode | undefined {
    const node = this.#find(path);
    return node?.kind === 'file' ? node : undefined;
  }

  #parent(path: string): FolderNode {
    const node = this.#find(dirname(path));
    assert.ok(node?.kind === 'folder', `no folder for ${path}`);
    return node;
  }
}

function newFolder(): FolderNode {
  return { kind: 'folder', names: new Map(), forced: new Map() };
}

function survivor(folder: FolderNode, random: Random): FolderNode {
  const copies = new Map<FileNode, FileNode>();
  const copyFile = (node: FileNode): FileNode => {
    const known = copies.get(node);
    if (known !== undefined) return known;
    const bytes = survivingBytes(node, random);
    const copy: FileNode = { kind: 'file', bytes, forced: bytes };
    copies.set(node, copy);
    return copy;
  };
  const copyFolder = (node: FolderNode): FolderNode => {
    const names = new Map<string, Node>();
    for (const name of new Set([...node.forced.keys(), ...node.names.keys()])) {
      const [forced, live] = [node.forced.get(name), node.names.get(name)];
      const kept = forced === live || random() < 0.5 ? forced : live;
      if (kept !== undefined) names.set(name, kept.kind === 'file' ? copyFile(kept) : copyFolder(kept));
    }
    return { kind: 'folder', names, forced: new Map(names) };
  };
  return copyFolder(folder);
}

/** Forced bytes stay, unless they were written over since; the rest may have come, in part, or as zeros. */
function survivingBytes({ bytes, forced }: FileNode, random: Random): Buffer {
  if (forced?.equals(bytes) === true) return forced;
  const kept = forced ?? Buffer.alloc(0);
  const choice = random();
  if (choice < 0.4) return kept;
  if (choice < 0.6) return bytes;
  if (choice < 0.8) return bytes.subarray(0, Math.floor(random() * (bytes.length + 1)));
  return Buffer.concat([bytes.subarray(0, kept.length), Buffer.alloc(Math.max(0, bytes.length - kept.length))]);
}
