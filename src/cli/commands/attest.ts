import type { Command } from '../grammar/command.ts';
import { DEPRECATED_ATTEST_FLAGS, OLDER_ATTESTATION_FLAGS, PREDICATE_FLAGS } from '../flags/predicate-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { SIGNING_FLAGS, SIGNING_WORKERS_FLAG } from '../flags/signing-flags.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

export const attest: Command = {
  name: 'attest',
  summary: 'attach a signed statement to images',
  operands: 'IMAGE...',
  operandCount: [1, Infinity],
  flags: [
    ...PREDICATE_FLAGS,
    ...SIGNING_FLAGS,
    ...TOKEN_FLAGS,
    ...TRUST_FLAGS,
    SIGNING_CONFIG_FLAG,
    { name: 'bundle', kind: 'string', value: 'FILE|DIR/', help: 'write the bundle, or each one, to a file as well' },
    SIGNING_WORKERS_FLAG,
    { name: 'no-upload', kind: 'boolean', help: 'leave the registry alone; the bundle goes to --bundle or stdout' },
    { ...OUTPUT_FLAG, help: 'json: what was attested, and how to verify it, on stdout' },
    ...REGISTRY_FLAGS,
    ...DEPRECATED_ATTEST_FLAGS,
    ...OLDER_ATTESTATION_FLAGS,
  ],
  examples: [
    'sealwright attest --keyless --type spdxjson --predicate sbom.spdx.json registry.example/app@sha256:…',
    'sealwright attest --key cosign.key --statement provenance.intoto.json registry.example/app:1',
  ],
  readsCosignVariables: true,
  work: 'attesting',
  run: async (context) => {
    const { attestAboutImages } = await import('../actions/attest.ts');
    await attestAboutImages(context);
  },
};
