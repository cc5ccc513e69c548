import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';

/** Where trust comes from. There is no default in the working directory: a checkout must not bring its own root. */
export const TRUST_FLAGS: readonly Flag[] = [
  {
    name: 'trusted-root',
    kind: 'string',
    value: 'FILE',
    help: 'trusted_root.json of the instance',
    isCommon: true,
  },
  {
    name: 'dir',
    isOurs: true,
    kind: 'string',
    value: 'DIR',
    help: 'trust the stack of this folder (SEALWRIGHT_DIR)',
    isCommon: true,
  },
  {
    name: 'trust-config',
    isOurs: true,
    kind: 'string',
    value: 'FILE',
    help: "trusted root and signing config in one file, as sigstore-python's",
  },
  {
    name: 'trust',
    isOurs: true,
    kind: 'string',
    value: 'URL#SHA256',
    help: 'the instance of this TUF mirror, by the fingerprint of its root',
  },
];

export const SIGNING_CONFIG_FLAG: Flag = {
  name: 'signing-config',
  kind: 'string',
  value: 'FILE',
  help: 'which services to sign with',
  isCommon: true,
};

/** The flags that said whom to trust, as another command needs them again. */
export function trustFlagsGiven({ flags }: CommandContext): readonly string[] {
  return TRUST_FLAGS.flatMap(({ name }) => {
    const value = flags.string(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
}
