import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { syncFolder, writeDurableFile } from '../../io/files/durable-file.ts';

/** The roles whose versions are files of their own (TUF §6.2, consistent snapshots). */
export type VersionedRole = 'root' | 'targets' | 'snapshot';

/** Everybody may read a trust root. */
const PUBLIC = 0o644;

/** The repository's files: a mirror as it stands, whether it is served over HTTP or read with `file://`. */
export class RepositoryFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * A folder under construction beside this one, empty: what a crash leaves there has never been published.
   *
   * @returns the folder to fill, then to {@link RepositoryFolder.publishAs}
   */
  async draft(): Promise<RepositoryFolder> {
    const draft = join(dirname(this.path), `.${basename(this.path)}.new`);
    await rm(draft, { recursive: true, force: true });
    await mkdir(join(draft, 'targets'), { recursive: true });
    return new RepositoryFolder(draft);
  }

  /**
   * Gives a complete draft its name in one step.
   *
   * @param path does not exist yet, or is an empty folder
   * @throws UsageError USAGE_FILE when something else is there
   */
  async publishAs(path: string): Promise<void> {
    try {
      await rename(this.path, path);
    } catch (cause) {
      throw new UsageError('USAGE_FILE', 'the trust root cannot be created', {
        found: `${path} is there already, without a trust root in it`,
        expected: 'an empty folder, or none',
        cause,
      });
    }
    await syncFolder(dirname(path));
  }

  /** undefined when there is no such file */
  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.path, name));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Numbers of the versions that are there, ascending. */
  async versions(role: VersionedRole): Promise<readonly number[]> {
    const names = await this.#names(this.path);
    const numbers = names.flatMap((name) => {
      const [, number, of] = /^([1-9][0-9]{0,8})\.([a-z]+)\.json$/.exec(name) ?? [];
      return of === role ? [Number(number)] : [];
    });
    return numbers.sort((a, b) => a - b);
  }

  /** Removes the former contents of a target, those with these digests excepted. One that cannot be removed does no harm. */
  async removeTargets(name: string, kept: readonly string[]): Promise<void> {
    const folder = join(this.path, 'targets');
    const former = (await this.#names(folder)).filter((file) => {
      const [, digest] = /^([0-9a-f]{64})\./.exec(file) ?? [];
      return digest !== undefined && file === `${digest}.${name}` && !kept.includes(digest);
    });
    await Promise.allSettled(former.map((file) => rm(join(folder, file))));
  }

  async #names(path: string): Promise<readonly string[]> {
    try {
      return await readdir(path);
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  /** On return the file is there whole, and stays through a power cut. It replaces what had the name. */
  async write(name: string, content: Uint8Array | string): Promise<void> {
    await writeDurableFile(join(this.path, name), content, PUBLIC);
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
