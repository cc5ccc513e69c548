import type { Command } from '../grammar/command.ts';
import { OLDER_BLOB_FLAGS } from '../flags/older-storage-flags.ts';
import { SIGNING_FLAGS } from '../flags/signing-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

export const signBlob: Command = {
  name: 'sign-blob',
  summary: 'sign a file',
  operands: 'FILE|-...',
  operandCount: [1, Infinity],
  flags: [
    { name: 'bundle', kind: 'string', value: 'FILE', help: 'write the bundle here; else to stdout', isCommon: true },
    ...SIGNING_FLAGS,
    ...TOKEN_FLAGS,
    ...TRUST_FLAGS,
    SIGNING_CONFIG_FLAG,
    ...OLDER_BLOB_FLAGS,
  ],
  examples: ['sealwright sign-blob --bundle app.tgz.sigstore.json app.tgz'],
  readsCosignVariables: true,
  work: 'signing',
  run: async (context) => {
    const { signBlobs } = await import('../actions/sign-blob.ts');
    await signBlobs(context);
  },
};
