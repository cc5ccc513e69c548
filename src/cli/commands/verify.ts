import type { Command } from '../command.ts';
import { annotationFlag } from '../flags/annotation-flags.ts';
import { BUNDLE_FORMAT_FLAG, EXPERIMENTAL_OCI_FLAG } from '../flags/deprecated-flags.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
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
    annotationFlag('the signature must carry it'),
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    REPORT_FLAG,
    {
      name: 'local-image',
      kind: 'boolean',
      help: 'IMAGE is a folder that save has written; no registry is asked',
    },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
    {
      name: 'offline',
      kind: 'boolean',
      help: 'ask no log',
      deprecated: 'no log is asked; everything comes with the bundle',
    },
    BUNDLE_FORMAT_FLAG,
    EXPERIMENTAL_OCI_FLAG,
  ],
  examples: [
    'sealwright verify --certificate-identity dev@example.com \\',
    '  --certificate-oidc-issuer https://accounts.example.com registry.example/app@sha256:…',
    'sealwright verify --key cosign.pub registry.example/app:1',
  ],
  readsCosignVariables: true,
  run: async (context) => {
    const { verifyImages } = await import('../actions/verify.ts');
    await verifyImages(context);
  },
};
