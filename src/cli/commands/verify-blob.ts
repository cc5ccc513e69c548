import type { Command } from '../grammar/command.ts';
import { BUNDLE_FORMAT_FLAG, EXPERIMENTAL_OCI_FLAG } from '../flags/deprecated-flags.ts';
import { DETACHED_FLAGS } from '../flags/detached-flags.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
import { CHECK_FLAGS } from '../flags/material-flags.ts';
import { REPORT_FLAG } from '../flags/report-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const verifyBlob: Command = {
  name: 'verify-blob',
  summary: "verify a file's signature",
  operands: 'FILE|-|sha256:HEX',
  operandCount: [1, 1],
  flags: [
    { name: 'bundle', kind: 'string', value: 'FILE', help: 'the signature bundle', isCommon: true },
    ...DETACHED_FLAGS,
    ...CHECK_FLAGS,
    ...SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    { name: 'offline', kind: 'boolean', help: 'open no socket: all material comes from files', isCommon: true },
    { ...REPORT_FLAG, isOurs: true },
    BUNDLE_FORMAT_FLAG,
    EXPERIMENTAL_OCI_FLAG,
  ],
  examples: [
    'sealwright verify-blob --bundle app.tgz.sigstore.json --certificate-identity dev@example.com \\',
    '  --certificate-oidc-issuer https://accounts.example.com app.tgz',
    'sealwright verify-blob --signature app.tgz.sig --key cosign.pub app.tgz',
  ],
  readsCosignVariables: true,
  work: 'verifying',
  run: async (context) => {
    const { verifyBlobBundle } = await import('../actions/verify-blob.ts');
    await verifyBlobBundle(context);
  },
};
