import { FormatError } from '../../errors.ts';
import { Digest } from './digest.ts';

/** Docker Hub's name in references as cosign prints them; `docker.io` is the same registry. */
export const DEFAULT_REGISTRY = 'index.docker.io';
const DEFAULT_TAG = 'latest';
/** Docker's limit on registry and repository together. */
const MAX_NAME_LENGTH = 255;

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]{2,45}\\])(?::[0-9]{1,5})?$`);
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Where manifests and blobs live; every {@link ImageReference} is one as well. */
export interface Repository {
  /** `host[:port]`. */
  readonly registry: string;
  readonly repository: string;
}

/** A name for a manifest in a registry: by tag, by digest, or both (then the digest decides). */
export class ImageReference implements Repository {
  /** `host[:port]`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;

  /** @throws FormatError FORMAT_REFERENCE when a part breaks the grammar */
  constructor(parts: { registry: string; repository: string; tag?: string | undefined; digest?: Digest | undefined }) {
    this.registry = parts.registry;
    this.repository = parts.repository;
    this.tag = parts.tag;
    this.digest = parts.digest;
    if (!REGISTRY.test(this.registry)) throw badReference(this.registry, 'a registry host');
    if (!isRepository(this.repository)) throw badReference(this.repository, 'a lower-case repository path');
    if (this.context.length > MAX_NAME_LENGTH) {
      throw badReference(this.context, `registry and repository of at most ${MAX_NAME_LENGTH} characters`);
    }
    if (this.tag !== undefined && !isTag(this.tag)) throw badReference(this.tag, 'a tag');
  }

  /** Registry and repository: what the name says apart from the version. */
  get context(): string {
    return `${this.registry}/${this.repository}`;
  }

  /** What to ask the registry for. */
  get identifier(): string {
    return this.digest?.toString() ?? this.tag ?? DEFAULT_TAG;
  }

  /** The same repository at a digest alone. */
  atDigest(digest: Digest): ImageReference {
    return new ImageReference({ registry: this.registry, repository: this.repository, digest });
  }

  /** The same repository at a tag alone. */
  atTag(tag: string): ImageReference {
    return new ImageReference({ registry: this.registry, repository: this.repository, tag });
  }

  toString(): string {
    const tag = this.tag === undefined ? '' : `:${this.tag}`;
    return `${this.context}${tag}${this.digest === undefined ? '' : `@${this.digest.toString()}`}`;
  }
}

/** Whether the text is a repository path: lower-case components that can never climb out of a folder. */
export function isRepository(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * Docker's rules: the first component is a registry if it has a dot, a colon or a capital, or is `localhost`; otherwise
 * the registry is Docker Hub, where single names live under `library/`. A reference without tag and digest means `latest`.
 *
 * @throws FormatError FORMAT_REFERENCE, FORMAT_DIGEST
 */
export function parseReference(text: string): ImageReference {
  if (text.length > MAX_NAME_LENGTH + 300) throw badReference(text, 'a shorter text');
  const { name, tag, digest } = splitVersion(text);
  const { registry, repository } = splitRegistry(name);
  if (repository === '') throw badReference(text, '[REGISTRY/]REPOSITORY[:TAG][@DIGEST]');
  try {
    return new ImageReference({
      registry,
      repository,
      digest,
      tag: tag ?? (digest === undefined ? DEFAULT_TAG : undefined),
    });
  } catch (error) {
    if (!(error instanceof FormatError) || !/[A-Z]/.test(repository)) throw error;
    throw badReference(text, 'a lower-case repository path', text.replace(repository, repository.toLowerCase()));
  }
}

/**
 * A repository without tag or digest, with Docker's defaults: what a flag such as `COSIGN_REPOSITORY` holds.
 *
 * @throws FormatError FORMAT_REFERENCE
 */
export function parseRepository(text: string): Repository {
  if (text.includes('@') || splitVersion(text).tag !== undefined) {
    throw badReference(text, 'a repository without tag or digest');
  }
  const { registry, repository } = parseReference(text);
  return { registry, repository };
}

function splitVersion(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf('@');
  const digest = at < 0 ? {} : { digest: Digest.parse(text.slice(at + 1), 'the digest of the reference') };
  const rest = at < 0 ? text : text.slice(0, at);
  // A colon before the last slash belongs to the registry's port.
  const colon = rest.indexOf(':', rest.lastIndexOf('/') + 1);
  return colon < 0 ? { name: rest, ...digest } : { name: rest.slice(0, colon), tag: rest.slice(colon + 1), ...digest };
}

function splitRegistry(name: string): Repository {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isRegistry = first === 'localhost' || /[.:A-Z]/.test(first);
  const registry = isRegistry && first !== 'docker.io' ? first : DEFAULT_REGISTRY;
  const path = isRegistry ? name.slice(slash + 1) : name;
  return {
    registry,
    repository: registry === DEFAULT_REGISTRY && path !== '' && !path.includes('/') ? `library/${path}` : path,
  };
}

function badReference(text: string, expected: string, closest?: string): FormatError {
  return new FormatError('FORMAT_REFERENCE', 'this is not an image reference', {
    found: text === '' ? 'nothing' : text.slice(0, 300),
    expected,
    ...(closest === undefined ? {} : { closest }),
  });
}
