import type { Command } from '../grammar/command.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const logSearch: Command = {
  name: 'log search',
  summary: 'what an identity or a key has signed, as a log proves it',
  operands: '',
  operandCount: [0, 0],
  flags: [
    { name: 'identity', kind: 'string', value: 'SUBJECT', help: 'who signed; * is any text', isCommon: true },
    { name: 'issuer', kind: 'string', value: 'URL', help: 'who authenticated them', isCommon: true },
    { name: 'claim', kind: 'list', value: 'NAME=VALUE', help: 'what the certificate must say as well' },
    { name: 'public-key', kind: 'string', value: 'FILE|HEX', help: 'a key instead, or its SHA-256', isCommon: true },
    { name: 'after', kind: 'string', value: 'TIME', help: 'from then on', isCommon: true },
    { name: 'before', kind: 'string', value: 'TIME', help: 'until then', isCommon: true },
    { name: 'log', kind: 'string', value: 'URL', help: 'which log of the trusted root; its only one of version 2' },
    { name: 'state', kind: 'string', value: 'FILE', help: 'read on from there, and note how far it was read' },
    { name: 'limit', kind: 'string', value: 'N', default: '100000', help: 'findings that may be held' },
    ...TRUST_FLAGS,
  ],
  examples: [
    'sealwright log search --issuer https://token.actions.githubusercontent.com \\',
    "  --identity 'https://github.com/acme/pay/*' --after 2026-03-01T08:00:00Z",
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { searchForSigner } = await import('../actions/log-search.ts');
    await searchForSigner(context);
  },
};
