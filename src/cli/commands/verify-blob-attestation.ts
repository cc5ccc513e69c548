import type { Command } from '../grammar/command.ts';
import { BUNDLE_FORMAT_FLAG, EXPERIMENTAL_OCI_FLAG } from '../flags/deprecated-flags.ts';
import { DETACHED_FLAGS } from '../flags/detached-flags.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
import { CHECK_FLAGS } from '../flags/material-flags.ts';
import { PREDICATE_TYPE_FLAG } from '../flags/predicate-flags.ts';
import { REPORT_FLAG } from '../flags/report-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const verifyBlobAttestation: Command = {
  name: 'verify-blob-attestation',
  summary: "verify a file's attestation bundle",
  operands: '[FILE|-]',
  operandCount: [0, 1],
  flags: [
    { name: 'bundle', kind: 'string', value: 'FILE', help: 'the attestation bundle', isCommon: true },
    { ...PREDICATE_TYPE_FLAG, nonEmptyInCosign: true },
    ...SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    { name: 'digest', kind: 'string', value: 'HEX', help: "the file's digest; it need not be here" },
    {
      name: 'digestAlg',
      kind: 'string',
      value: 'NAME',
      choices: ['sha256', 'sha384', 'sha512'],
      help: 'what made the digest',
    },
    {
      name: 'check-claims',
      kind: 'boolean',
      default: true,
      help: 'compare subjects with the file; =false says nothing about any file',
    },
    { name: 'offline', kind: 'boolean', help: 'open no socket: all material comes from files' },
    { ...REPORT_FLAG, isOurs: true },
    ...DETACHED_FLAGS.map((flag) =>
      flag.name === 'signature' ? { ...flag, help: 'an attestation without a bundle: its DSSE envelope' } : flag,
    ),
    ...CHECK_FLAGS,
    BUNDLE_FORMAT_FLAG,
    EXPERIMENTAL_OCI_FLAG,
  ],
  examples: ['sealwright verify-blob-attestation --bundle app.intoto.json --type vuln --key cosign.pub app.tgz'],
  readsCosignVariables: true,
  work: 'verifying',
  run: async (context) => {
    const { verifyAttestationOfBlob } = await import('../actions/verify-blob-attestation.ts');
    await verifyAttestationOfBlob(context);
  },
};
