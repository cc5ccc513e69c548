/**
 * A file system in memory that can lose its power. It keeps two truths: what programs see, and what the disk holds. File
 * bytes reach the disk with a sync of the file, names with a sync of their folder, and nothing reaches it otherwise. A cut
 * leaves what the disk holds; what was on its way may have arrived in part, as a real disk's cache has it.
 */
import { basename, dirname } from 'node:path';
import type { FileSystem, NewFile } from '../../src/servers/store/file-system.ts';

interface FileNode {
  readonly kind: 'file';
  bytes: Uint8Array;
  /** undefined: never synced, so that after a cut the file may hold anything. */
  durable: Uint8Array | undefined;
}

interface FolderNode {
  readonly kind: 'folder';
  readonly names: Map<string, FileNode | FolderNode>;
  durable: Map<string, FileNode | FolderNode>;
}

export class PowerCut extends Error {
  constructor() {
    super('the power is off');
  }
}

export class PowerCutFileSystem implements FileSystem {
  #root: FolderNode = folder();
  #isOff = false;
  /** Operations until the power goes; each of those below is one. */
  #left = Number.POSITIVE_INFINITY;
  #operations = 0;

  /** Operations so far. */
  get operations(): number {
    return this.#operations;
  }

  /** From then on every operation throws, until {@link restore}. */
  cutAfter(operations: number): void {
    this.#left = operations;
  }

  /** @param arrived whether something that no sync followed reached the disk all the same */
  restore(arrived: () => boolean): void {
    this.#root = survivors(this.#root, arrived);
    this.#isOff = false;
    this.#left = Number.POSITIVE_INFINITY;
  }

  /** Changes a file behind everybody's back, durably. */
  overwrite(path: string, bytes: Uint8Array): void {
    const node = this.#find(path);
    if (node?.kind !== 'file') throw new Error(`no file ${path}`);
    node.bytes = bytes;
    node.durable = bytes;
  }

  read(path: string): Uint8Array | undefined {
    this.#spend();
    const node = this.#find(path);
    return node?.kind === 'file' ? node.bytes : undefined;
  }

  list(path: string): readonly string[] {
    this.#spend();
    const node = this.#find(path);
    return node?.kind === 'folder' ? [...node.names.keys()] : [];
  }

  makeFolder(path: string): boolean {
    this.#spend();
    const names = this.#folder(dirname(path)).names;
    if (names.has(basename(path))) return false;
    names.set(basename(path), folder());
    return true;
  }

  create(path: string, bytes: Uint8Array): NewFile {
    this.#spend();
    const names = this.#folder(dirname(path)).names;
    if (names.has(basename(path))) throw new Error(`${path} exists`);
    const node: FileNode = { kind: 'file', bytes: Uint8Array.from(bytes), durable: undefined };
    names.set(basename(path), node);
    return {
      sync: () => this.#disk(() => (node.durable = node.bytes)),
      close: () => undefined,
    };
  }

  link(from: string, to: string): boolean {
    this.#spend();
    const node = this.#find(from);
    if (node?.kind !== 'file') throw new Error(`no file ${from}`);
    const names = this.#folder(dirname(to)).names;
    if (names.has(basename(to))) return false;
    names.set(basename(to), node);
    return true;
  }

  rename(from: string, to: string): void {
    this.#spend();
    const node = this.#find(from);
    if (node === undefined) throw new Error(`no file ${from}`);
    this.#folder(dirname(to)).names.set(basename(to), node);
    this.#folder(dirname(from)).names.delete(basename(from));
  }

  removeFile(path: string): void {
    this.removeFolder(path);
  }

  removeFolder(path: string): void {
    this.#spend();
    const parent = this.#find(dirname(path));
    if (parent?.kind === 'folder') parent.names.delete(basename(path));
  }

  syncFolder(path: string): Promise<void> {
    return this.#disk(() => {
      const node = this.#folder(path);
      node.durable = new Map(node.names);
    });
  }

  #disk(action: () => unknown): Promise<void> {
    return Promise.resolve().then(() => {
      this.#spend();
      action();
    });
  }

  #spend(): void {
    if (this.#isOff || this.#left-- <= 0) {
      this.#isOff = true;
      throw new PowerCut();
    }
    this.#operations++;
  }

  #folder(path: string): FolderNode {
    const node = this.#find(path);
    if (node?.kind !== 'folder') throw new Error(`no folder ${path}`);
    return node;
  }

  #find(path: string): FileNode | FolderNode | undefined {
    let node: FileNode | FolderNode | undefined = this.#root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      node = node?.kind === 'folder' ? node.names.get(name) : undefined;
    }
    return node;
  }
}

function folder(): FolderNode {
  return { kind: 'folder', names: new Map(), durable: new Map() };
}

/** What a folder holds after a cut: durable names, each change since then applied or not, files as synced or torn. */
function survivors(node: FolderNode, arrived: () => boolean): FolderNode {
  const names = new Map<string, FileNode | FolderNode>();
  for (const name of new Set([...node.durable.keys(), ...node.names.keys()])) {
    const [before, after] = [node.durable.get(name), node.names.get(name)];
    const kept = before === after || arrived() ? after : before;
    if (kept !== undefined) names.set(name, kept.kind === 'folder' ? survivors(kept, arrived) : torn(kept, arrived));
  }
  return { kind: 'folder', names, durable: new Map(names) };
}

function torn(file: FileNode, arrived: () => boolean): FileNode {
  const bytes = file.durable ?? (arrived() ? file.bytes : file.bytes.subarray(0, Math.floor(file.bytes.length / 2)));
  return { kind: 'file', bytes, durable: bytes };
}
