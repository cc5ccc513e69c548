import type { Command } from '../grammar/command.ts';
import { annotationFlag } from '../flags/annotation-flags.ts';
import { REFERRERS_MODE_FLAG } from '../flags/image-flags.ts';
import { ATTACHMENT_FLAG, OLDER_IMAGE_FLAGS } from '../flags/older-storage-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';
import { SIGNING_FLAGS, SIGNING_WORKERS_FLAG } from '../flags/signing-flags.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

export const sign: Command = {
  name: 'sign',
  summary: 'sign container images, keylessly or with a key',
  operands: 'IMAGE...',
  operandCount: [1, Infinity],
  flags: [
    ...SIGNING_FLAGS,
    ...TOKEN_FLAGS,
    {
      name: 'recursive',
      short: 'r',
      kind: 'boolean',
      help: 'an index, and every image that it names',
      isCommon: true,
    },
    annotationFlag('noted beside the digest, and signed with it'),
    ...TRUST_FLAGS,
    SIGNING_CONFIG_FLAG,
    { name: 'bundle', kind: 'string', value: 'FILE|DIR/', help: 'write the bundle, or each one, to a file as well' },
    { name: 'force', isOurs: true, kind: 'boolean', help: 'sign what carries this very signature already' },
    SIGNING_WORKERS_FLAG,
    {
      name: 'upload',
      kind: 'boolean',
      default: true,
      help: 'push the signature; --upload=false leaves the registry alone',
    },
    { ...OUTPUT_FLAG, help: 'json: what was signed, and what to do next, on stdout' },
    ...REGISTRY_FLAGS,
    ...OLDER_IMAGE_FLAGS,
    REFERRERS_MODE_FLAG,
    TAG_PREFIX_FLAG,
    ATTACHMENT_FLAG,
  ],
  examples: [
    'sealwright sign --keyless registry.example/app:1',
    'sealwright sign --key cosign.key registry.example/app@sha256:…',
    'sealwright sign --keyless registry.example/app@sha256:… registry.example/worker@sha256:…',
  ],
  readsCosignVariables: true,
  work: 'signing',
  run: async (context) => {
    const { signImages } = await import('../actions/sign.ts');
    await signImages(context);
  },
};
