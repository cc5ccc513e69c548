import type { Command } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { annotationFlag } from '../flags/annotation-flags.ts';
import { BUNDLE_FORMAT_FLAG, EXPERIMENTAL_OCI_FLAG } from '../flags/deprecated-flags.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
import { DETACHED_IMAGE_FLAGS } from '../flags/detached-flags.ts';
import { LOCAL_IMAGE_FLAG } from '../flags/image-flags.ts';
import {
  CHECK_CLAIMS_FLAG,
  CHECK_FLAGS,
  GIVEN_AUTHORITY_FLAGS,
  GIVEN_CERTIFICATE_FLAGS,
  LOG_SEARCH_FLAG,
} from '../flags/material-flags.ts';
import { POLICY_FLAG } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';
import { REPORT_FLAG } from '../flags/report-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const verify: Command = {
  name: 'verify',
  summary: "verify container images' signatures",
  operands: 'IMAGE...',
  operandCount: [1, Infinity],
  flags: [
    ...SIGNER_FLAGS,
    { ...POLICY_FLAG, isOurs: true, help: 'instead: judge as the webhook would by these policies' },
    annotationFlag('the signature must carry it'),
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    REPORT_FLAG,
    LOCAL_IMAGE_FLAG,
    CHECK_CLAIMS_FLAG,
    ...DETACHED_IMAGE_FLAGS,
    ...GIVEN_CERTIFICATE_FLAGS,
    ...GIVEN_AUTHORITY_FLAGS,
    LOG_SEARCH_FLAG,
    ...CHECK_FLAGS,
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
    {
      name: 'offline',
      kind: 'boolean',
      help: 'ask nobody but the registry',
      deprecatedInCosign: 'no log is asked; everything comes with the bundle',
    },
    BUNDLE_FORMAT_FLAG,
    EXPERIMENTAL_OCI_FLAG,
  ],
  examples: [
    'sealwright verify --certificate-identity dev@example.com \\',
    '  --certificate-oidc-issuer https://accounts.example.com registry.example/app@sha256:…',
    'sealwright verify --key cosign.pub registry.example/app:1',
    'sealwright verify --policy policies/ registry.example/app:1',
  ],
  readsCosignVariables: true,
  work: 'verifying',
  run: async (context) => {
    const { verifyImages } = await import('../actions/verify.ts');
    await verifyImages(context);
  },
};

/** For commands that find the names of images in a file, where none is a folder. */
export const flagsForNamedImages: readonly Flag[] = verify.flags.map((flag) =>
  flag.name === 'local-image' ? { ...flag, help: 'refused: a file names images, and no folders' } : flag,
);
