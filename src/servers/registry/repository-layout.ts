import { join } from 'node:path';
import type { Digest } from '../../core/image/digest.ts';
import { isRepository, isTag } from '../../core/image/reference.ts';
import { InvariantError } from '../../errors.ts';

/**
 * Where everything lies. Names come from requests: each is checked against its grammar here once more, so that no caller
 * can be talked into leaving the folder.
 */
export class RepositoryLayout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get uploads(): string {
    return join(this.root, 'uploads');
  }

  upload(id: string): string {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new InvariantError('an upload identifier was not checked');
    return join(this.uploads, id);
  }

  blob(repository: string, digest: Digest): string {
    return join(this.repository(repository), '_blobs', digest.algorithm, digest.hex);
  }

  manifests(repository: string): string {
    return join(this.repository(repository), '_manifests');
  }

  manifest(repository: string, digest: Digest): string {
    return join(this.manifests(repository), digest.algorithm, digest.hex);
  }

  tags(repository: string): string {
    return join(this.repository(repository), '_tags');
  }

  tag(repository: string, tag: string): string {
    if (!isTag(tag)) throw new InvariantError('a tag was not checked');
    return join(this.tags(repository), fileNameOfTag(tag));
  }

  referrers(repository: string, subject: Digest): string {
    return join(this.repository(repository), '_referrers', `${subject.algorithm}-${subject.hex}`);
  }

  referrer(repository: string, subject: Digest, digest: Digest): string {
    return join(this.referrers(repository, subject), `${digest.algorithm}-${digest.hex}`);
  }

  repository(name: string): string {
    if (!isRepository(name)) throw new InvariantError('a repository name was not checked');
    return join(this.root, 'repositories', ...name.split('/'));
  }
}

/**
 * Tags differ by case, names on some disks do not: the places of the capitals follow as a number, behind a mark that no
 * tag contains. At most 161 characters, where marks at every capital could exceed the 255 of most disks.
 */
function fileNameOfTag(tag: string): string {
  const capitals = tag.replace(/[^A-Z]/g, '0').replace(/[A-Z]/g, '1');
  return capitals.includes('1') ? `${tag.toLowerCase()}+${BigInt(`0b${capitals}`).toString(16)}` : tag;
}

export function tagOfFileName(name: string): string {
  const [lower = '', places] = name.split('+');
  if (places === undefined) return lower;
  const capitals = BigInt(`0x${places}`).toString(2).padStart(lower.length, '0');
  return lower.replace(/./g, (letter, index: number) => (capitals[index] === '1' ? letter.toUpperCase() : letter));
}
