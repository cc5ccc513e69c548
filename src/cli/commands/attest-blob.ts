import type { Command } from '../grammar/command.ts';
import { OLDER_BLOB_ATTESTATION_FLAGS } from '../flags/older-storage-flags.ts';
import { DEPRECATED_ATTEST_FLAGS, PREDICATE_FLAGS } from '../flags/predicate-flags.ts';
import { SIGNING_FLAGS } from '../flags/signing-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

export const attestBlob: Command = {
  name: 'attest-blob',
  summary: 'sign a statement about a file',
  operands: 'FILE|-',
  operandCount: [1, 1],
  flags: [
    { name: 'bundle', kind: 'string', value: 'FILE', help: 'write the bundle here; else to stdout', isCommon: true },
    ...PREDICATE_FLAGS,
    { name: 'hash', kind: 'string', value: 'HEX', help: "the file's SHA-256 digest; it need not be here" },
    ...SIGNING_FLAGS,
    ...TOKEN_FLAGS,
    ...TRUST_FLAGS,
    SIGNING_CONFIG_FLAG,
    ...DEPRECATED_ATTEST_FLAGS,
    ...OLDER_BLOB_ATTESTATION_FLAGS,
  ],
  examples: ['sealwright attest-blob --type slsaprovenance1 --predicate build.json --bundle app.intoto.json app.tgz'],
  readsCosignVariables: true,
  work: 'attesting',
  run: async (context) => {
    const { attestAboutBlob } = await import('../actions/attest-blob.ts');
    await attestAboutBlob(context);
  },
};
