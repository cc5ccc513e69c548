import { FormatError } from '../../errors.ts';

export type BundleVersion = '0.1' | '0.2' | '0.3';

/** The one media type that is written. */
export const BUNDLE_V03 = 'application/vnd.dev.sigstore.bundle.v0.3+json';

const VERSIONS: Readonly<Record<string, BundleVersion>> = {
  'application/vnd.dev.sigstore.bundle+json;version=0.1': '0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2': '0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3': '0.3',
  [BUNDLE_V03]: '0.3',
};

/** @throws FormatError FORMAT_BUNDLE_VERSION: what a later version demands cannot be known here */
export function bundleVersion(mediaType: string): BundleVersion {
  const version = Object.hasOwn(VERSIONS, mediaType) ? VERSIONS[mediaType] : undefined;
  if (version !== undefined) return version;
  throw new FormatError('FORMAT_BUNDLE_VERSION', 'the bundle has a media type or version that is not read', {
    found: mediaType.slice(0, 128),
    expected: Object.keys(VERSIONS).join(', '),
  });
}
