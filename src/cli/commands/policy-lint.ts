import type { Command } from '../grammar/command.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';

export const LINT_FORMATS = ['text', 'json', 'sarif', 'github'] as const;

export const policyLint: Command = {
  name: 'policy lint',
  summary: 'what policies and identities let in that nobody meant',
  operands: '[FILE|FOLDER|URL...]',
  operandCount: [0, 1000],
  flags: [
    {
      name: 'fail-on',
      kind: 'string',
      value: 'LEVEL',
      choices: ['error', 'warning', 'note', 'never'],
      default: 'warning',
      help: 'findings that end with exit code 20',
      isCommon: true,
    },
    {
      name: 'output',
      short: 'o',
      kind: 'string',
      value: 'FORMAT',
      choices: LINT_FORMATS,
      default: 'text',
      help: 'how to print',
      isCommon: true,
    },
    {
      name: 'offline',
      kind: 'boolean',
      help: 'open no socket: the repositories of TrustRoots at URLs are then not checked',
    },
    ...SIGNER_FLAGS.filter(({ name }) => name.startsWith('certificate-')),
  ],
  examples: [
    'sealwright policy lint policies/ -o sarif > policies.sarif',
    "sealwright policy lint --certificate-identity-regexp 'github.com/acme/.*' --certificate-oidc-issuer URL",
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { lint } = await import('../actions/policy-lint.ts');
    await lint(context);
  },
};
