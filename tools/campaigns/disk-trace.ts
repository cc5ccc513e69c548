/** Reads what `strace` saw a process do to a folder, and says what a disk holds when its power goes after any of it. */

export type DiskCall =
  | { readonly kind: 'create' | 'mkdir' | 'unlink' | 'sync'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly bytes: Uint8Array; readonly at: number | undefined }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'link' | 'rename'; readonly from: string; readonly path: string }
  | { readonly kind: 'answer'; readonly text: string };

const STRING = /"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?/g;

/** Calls in the order in which they ended: a sync counts from then on, and not before. */
export function parseTrace(log: string): readonly DiskCall[] {
  const begun = new Map<string, string>();
  const calls: DiskCall[] = [];
  for (const line of log.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith(' <unfinished ...>')) {
      begun.set(thread, text.slice(0, -' <unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    const call = parseCall(resumed === undefined ? text : `${begun.get(thread) ?? ''}${resumed}`);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

function parseCall(text: string): DiskCall | undefined {
  const [, name = '', result = ''] = /^(\w+)\(.*\) += (-?\d+)/s.exec(text) ?? [];
  if (name === '' || result.startsWith('-')) return undefined;
  const strings = [...text.matchAll(STRING)].map(([, escaped = '']) => bytesOf(escaped));
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = strings;
  const path = bytesOf(/^\w+\(\d+<((?:\\x[0-9a-f]{2})+)>/.exec(text)?.[1] ?? '').toString();
  switch (name) {
    case 'openat':
      return text.includes('O_CREAT') ? { kind: 'create', path: first.toString() } : undefined;
    case 'mkdir':
      return { kind: 'mkdir', path: first.toString() };
    case 'unlink':
      return { kind: 'unlink', path: first.toString() };
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path };
    case 'link':
    case 'rename':
      return { kind: name, from: first.toString(), path: second.toString() };
    case 'ftruncate':
      return { kind: 'truncate', path, size: Number(/, (\d+)\) +=/.exec(text)?.[1]) };
    case 'pwrite64':
      return { kind: 'write', path, bytes: first, at: Number(/, (\d+)\) +=/.exec(text)?.[1]) };
    case 'write':
      return path === '' ? undefined : { kind: 'write', path, bytes: first, at: undefined };
    case 'writev':
      return { kind: 'answer', text: Buffer.concat(strings).toString() };
    default:
      return undefined;
  }
}

/** `strace -xx` writes every byte, of paths as well, as `\x2f`. */
function bytesOf(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
}

interface Inode {
  durable: Buffer;
  /** Since the last sync, in order. */
  pending: ((bytes: Buffer) => Buffer)[];
  size: number;
}

type Names = Map<string, Inode | 'folder'>;

/** Follows a trace from an empty folder. */
export class TracedDisk {
  readonly #root: string;
  readonly #names: Names = new Map();
  readonly #durable: Names = new Map();

  constructor(root: string) {
    this.#root = root;
  }

  apply(call: DiskCall): void {
    if (call.kind === 'answer' || !call.path.startsWith(`${this.#root}/`)) {
      if (call.kind === 'sync' && call.path === this.#root) this.#syncFolder(call.path);
      return;
    }
    const { path } = call;
    const node = this.#names.get(path);
    switch (call.kind) {
      case 'create':
        if (node === undefined) this.#names.set(path, { durable: Buffer.alloc(0), pending: [], size: 0 });
        return;
      case 'mkdir':
        this.#names.set(path, 'folder');
        return;
      case 'unlink':
        this.#names.delete(path);
        return;
      case 'link':
      case 'rename': {
        const source = this.#names.get(call.from);
        if (source === undefined) throw new Error(`${call.kind} of nothing: ${call.from}`);
        this.#names.set(path, source);
        if (call.kind === 'rename') this.#names.delete(call.from);
        return;
      }
      case 'sync':
        if (node === 'folder') this.#syncFolder(path);
        else if (node !== undefined) {
          node.durable = node.pending.reduce((bytes, change) => change(bytes), node.durable);
          node.pending = [];
        }
        return;
      case 'write':
      case 'truncate':
        if (node === undefined || node === 'folder') throw new Error(`${call.kind} to nothing: ${path}`);
        this.#change(node, call);
    }
  }

  /** Files by path relative to the root; `undefined` bytes are folders. @param arrived whether what no sync followed did */
  afterCut(arrived: () => boolean): ReadonlyMap<string, Buffer | undefined> {
    const files = new Map<string, Buffer | undefined>();
    // Sorted, folders come before what is in them.
    for (const path of [...new Set([...this.#durable.keys(), ...this.#names.keys()])].sort()) {
      const [before, after] = [this.#durable.get(path), this.#names.get(path)];
      const node = before === after || arrived() ? after : before;
      if (node === undefined || !this.#hasParents(path, files)) continue;
      const bytes =
        node === 'folder'
          ? undefined
          : node.pending.reduce((held, change) => (arrived() ? change(held) : held), node.durable);
      files.set(path.slice(this.#root.length + 1), bytes);
    }
    return files;
  }

  #hasParents(path: string, files: ReadonlyMap<string, Buffer | undefined>): boolean {
    const parent = path.slice(this.#root.length + 1, path.lastIndexOf('/'));
    return path.lastIndexOf('/') === this.#root.length || files.has(parent);
  }

  #change(node: Inode, call: Extract<DiskCall, { kind: 'write' | 'truncate' }>): void {
    if (call.kind === 'truncate') {
      node.size = call.size;
      node.pending.push((bytes) => resized(bytes, call.size));
      return;
    }
    const at = call.at ?? node.size;
    node.size = Math.max(node.size, at + call.bytes.length);
    node.pending.push((bytes) => {
      const held = resized(bytes, Math.max(bytes.length, at + call.bytes.length));
      held.set(call.bytes, at);
      return held;
    });
  }

  #syncFolder(folder: string): void {
    const isInside = (path: string): boolean => path.slice(0, path.lastIndexOf('/')) === folder;
    for (const path of [...this.#durable.keys()].filter(isInside)) this.#durable.delete(path);
    for (const [path, node] of this.#names) if (isInside(path)) this.#durable.set(path, node);
  }
}

function resized(bytes: Buffer, size: number): Buffer {
  const copy = Buffer.alloc(size);
  bytes.copy(copy, 0, 0, size);
  return copy;
}
