import type { Command } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { OUT_FLAG, WITH_DEFAULT_SERVICES, withoutDefault } from '../flags/default-service-flags.ts';

const SERVICE = 'url=,api-version=N,start-time=,operator=[,end-time=]';

function spec(name: string, help: string): Flag {
  return { name, kind: 'list', value: 'SPEC', help: `${help}: ${SERVICE}`, isCommon: true, nonEmptyInCosign: true };
}

function selection(name: string): Flag {
  return {
    name: `${name}-config`,
    kind: 'string',
    value: 'N',
    help: `how many of --${name}: ANY, ALL, EXACT:N`,
    isCommon: true,
  };
}

export const signingConfigCreate: Command = {
  name: 'signing-config create',
  summary: 'which services to sign with',
  operands: '',
  operandCount: [0, 0],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [0, Infinity],
  flags: [
    spec('fulcio', 'a certificate authority'),
    spec('rekor', 'a log'),
    selection('rekor'),
    spec('oidc-provider', 'an issuer'),
    spec('tsa', 'a timestamp authority'),
    selection('tsa'),
    { name: 'base-config', kind: 'string', value: 'FILE', help: 'start from this signing config', isCommon: true },
    WITH_DEFAULT_SERVICES,
    { name: 'with-default-rekor-v2', kind: 'boolean', help: "likewise, with the instance's log of version 2" },
    ...['fulcio', 'rekor', 'oidc', 'tsa'].map(withoutDefault),
    OUT_FLAG,
  ],
  examples: ['sealwright signing-config create --with-default-services --no-default-rekor --out no-log.json'],
  readsCosignVariables: false,
  run: async (context) => {
    const { writeSigningConfig } = await import('../actions/create-trust-documents.ts');
    await writeSigningConfig(context);
  },
};
