import { utf8 } from '../../core/encoding/bytes.ts';

/** TUF mirrors of Sigstore's own instances. */
export const PUBLIC_MIRROR = 'https://tuf-repo-cdn.sigstore.dev';
export const STAGING_MIRROR = 'https://tuf-repo-cdn.sigstage.dev';

/** The root that came with this program, for the mirrors that it knows; undefined for others. */
export async function embeddedRoot(mirror: string): Promise<Uint8Array | undefined> {
  switch (mirror) {
    case PUBLIC_MIRROR:
      return encode(await import('./embedded/production-root.json', { with: { type: 'json' } }));
    case STAGING_MIRROR:
      return encode(await import('./embedded/staging-root.json', { with: { type: 'json' } }));
    default:
      return undefined;
  }
}

/** Signatures are over the canonical form of `signed`, so white space may differ from the published file. */
function encode(module: { readonly default: object }): Uint8Array {
  return utf8(JSON.stringify(module.default));
}
