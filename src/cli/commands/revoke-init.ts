import type { Command } from '../grammar/command.ts';

export const revokeInit: Command = {
  name: 'revoke init',
  summary: 'say who may revoke, and how many of them have to agree',
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'member',
      kind: 'list',
      value: 'NAME=FILE',
      help: 'somebody who may, by a public key; or NAME=SUBJECT;ISSUER',
      isCommon: true,
    },
    {
      name: 'snapshot-key',
      kind: 'list',
      value: 'FILE',
      help: 'public keys that sign what is published',
      isCommon: true,
    },
    { name: 'quorum', kind: 'string', value: 'N', default: '1', help: 'who agree on an image', isCommon: true },
    { name: 'quorum-broad', kind: 'string', value: 'N', help: 'on an identity, a key and all else: a majority' },
    { name: 'quorum-relaxing', kind: 'string', value: 'N', help: 'on making good again: as many as for broad ones' },
    { name: 'out', kind: 'string', value: 'FILE', default: 'revocation-authority.json', help: 'written here' },
  ],
  examples: ['sealwright revoke init --member ann=ann.pub --member ben=ben.pub --snapshot-key snapshot.pub'],
  readsCosignVariables: false,
  run: async (context) => {
    const { makeAuthority } = await import('../actions/revoke-init.ts');
    await makeAuthority(context);
  },
};
