import type { Command } from '../grammar/command.ts';
import { BUNDLE_FORMAT_FLAG, EXPERIMENTAL_OCI_FLAG } from '../flags/deprecated-flags.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
import { LOCAL_IMAGE_FLAG } from '../flags/image-flags.ts';
import {
  CHECK_CLAIMS_FLAG,
  CHECK_FLAGS,
  GIVEN_AUTHORITY_FLAGS,
  GIVEN_CERTIFICATE_FLAGS,
  LOG_SEARCH_FLAG,
} from '../flags/material-flags.ts';
import { POLICY_FLAGS, PREDICATE_TYPE_FLAG } from '../flags/predicate-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';
import { REPORT_FLAG } from '../flags/report-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const verifyAttestation: Command = {
  name: 'verify-attestation',
  summary: "verify images' attestations, and judge them by policies",
  operands: 'IMAGE...',
  operandCount: [1, Infinity],
  flags: [
    { ...PREDICATE_TYPE_FLAG, nonEmptyInCosign: true },
    ...POLICY_FLAGS,
    ...SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    REPORT_FLAG,
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
    LOCAL_IMAGE_FLAG,
    CHECK_CLAIMS_FLAG,
    ...GIVEN_CERTIFICATE_FLAGS,
    ...GIVEN_AUTHORITY_FLAGS,
    LOG_SEARCH_FLAG,
    ...CHECK_FLAGS,
    {
      name: 'offline',
      kind: 'boolean',
      help: 'ask nobody but the registry',
      deprecatedInCosign: 'no log is asked; everything comes with the attestation',
    },
    BUNDLE_FORMAT_FLAG,
    EXPERIMENTAL_OCI_FLAG,
  ],
  examples: ['sealwright verify-attestation --key cosign.pub --type vuln --policy scan.rego registry.example/app:1'],
  readsCosignVariables: true,
  work: 'verifying',
  run: async (context) => {
    const { verifyImageAttestations } = await import('../actions/verify-attestation.ts');
    await verifyImageAttestations(context);
  },
};
