import type { Flag } from '../grammar/flag.ts';

/** Flags of cosign that say what holds here anyway: accepted, so that scripts written for it run. */
export const BUNDLE_FORMAT_FLAG: Flag = {
  name: 'new-bundle-format',
  kind: 'boolean',
  default: true,
  help: 'bundles of version 0.3',
  deprecated: 'signatures are read in every format that there is',
};

export const EXPERIMENTAL_OCI_FLAG: Flag = {
  name: 'experimental-oci11',
  kind: 'boolean',
  help: 'signatures as referrers',
  deprecated: 'signatures are read in every format that there is',
};
