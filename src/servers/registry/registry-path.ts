import { isRepository } from '../../core/image/reference.ts';
import { badRequest, unknown } from './oci-error.ts';

/** What a path below `/v2/` names (distribution-spec, Endpoints). References and digests are still unchecked text. */
export type RegistryPath =
  | { readonly kind: 'base' }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: string }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: string };

const UPLOAD_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Read from the end, because the name in the middle may have any number of components, `blobs` and `manifests` among them.
 *
 * @throws NotFoundError for a path that names nothing; FormatError (NAME_INVALID)
 */
export function parseRegistryPath(pathname: string): RegistryPath {
  if (/^\/v2\/?$/.test(pathname)) return { kind: 'base' };
  const path = decode(pathname.replace(/^\/v2\//, ''));
  const [, before, noun, last] = /^(.+)\/(manifests|referrers|blobs|tags|blobs\/uploads)\/([^/]*)$/.exec(path) ?? [];
  if (before === undefined || noun === undefined || last === undefined) {
    throw unknown('UNSUPPORTED', 'nothing is served at this path');
  }
  if (noun === 'manifests') return { kind: 'manifest', repository: repositoryOf(before), reference: last };
  if (noun === 'referrers') return { kind: 'referrers', repository: repositoryOf(before), digest: last };
  if (noun === 'tags' && last === 'list') return { kind: 'tags', repository: repositoryOf(before) };
  if (noun === 'blobs/uploads') return uploadPath(repositoryOf(before), last);
  // Docker's own client leaves the final slash out now and then.
  if (noun === 'blobs' && last === 'uploads') return uploadPath(repositoryOf(before), '');
  if (noun === 'blobs') return { kind: 'blob', repository: repositoryOf(before), digest: last };
  throw unknown('UNSUPPORTED', 'nothing is served at this path');
}

function uploadPath(repository: string, id: string): RegistryPath {
  if (id === '') return { kind: 'uploads', repository };
  if (!UPLOAD_ID.test(id)) throw unknown('BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
  return { kind: 'upload', repository, id };
}

function repositoryOf(text: string): string {
  if (isRepository(text)) return text;
  throw badRequest('NAME_INVALID', 'this is not a repository name', {
    found: text.slice(0, 100),
    expected: 'lower-case components with / between (distribution-spec, Pulling Manifests)',
  });
}

/** A digest's colon may come escaped. What comes out is checked against its grammar, so that nothing can hide in it. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw badRequest('NAME_INVALID', 'the path is not well-formed', { expected: 'percent-encoded UTF-8' });
  }
}
