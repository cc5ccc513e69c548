import type { Command } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { OUT_FLAG, WITH_DEFAULT_SERVICES, withoutDefault } from '../flags/default-service-flags.ts';

const AUTHORITY = 'url=,certificate-chain=FILE[,start-time=][,end-time=]';
const LOG = 'url=,public-key=FILE,start-time=[,end-time=][,origin=]';

function spec(name: string, help: string): Flag {
  return { name, kind: 'list', value: 'SPEC', help, isCommon: true, nonEmptyInCosign: true };
}

/** Those that cosign counts, empty or not, where it counts what goes together. */
const COUNTED = ['fulcio-uri', 'ctfe-key', 'rekor-key'];

function older(name: string, instead: string): Flag {
  return {
    name,
    kind: 'list',
    value: 'TEXT',
    help: `for --${instead}`,
    deprecated: `--${instead} says it all at once`,
    ...(COUNTED.includes(name) ? { nonEmptyInCosign: true } : {}),
  };
}

export const trustedRootCreate: Command = {
  name: 'trusted-root create',
  summary: 'a trusted root of your own services',
  operands: '',
  operandCount: [0, 0],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [0, Infinity],
  flags: [
    spec('fulcio', `a certificate authority: ${AUTHORITY}`),
    spec('tsa', `a timestamp authority: ${AUTHORITY}`),
    spec('ctfe', `a CT log: ${LOG}`),
    spec('rekor', `a log: ${LOG}`),
    WITH_DEFAULT_SERVICES,
    ...['fulcio', 'ctfe', 'tsa', 'rekor'].map(withoutDefault),
    OUT_FLAG,
    older('certificate-chain', 'fulcio'),
    older('fulcio-uri', 'fulcio'),
    older('timestamp-certificate-chain', 'tsa'),
    older('timestamp-uri', 'tsa'),
    ...(['ctfe', 'rekor'] as const).flatMap((log) =>
      ['key', 'url', 'start-time', 'end-time'].map((part) => older(`${log}-${part}`, log)),
    ),
  ],
  examples: [
    'sealwright trusted-root create --fulcio url=https://ca.example.com,certificate-chain=ca.pem --out trusted_root.json',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { writeTrustedRoot } = await import('../actions/create-trust-documents.ts');
    await writeTrustedRoot(context);
  },
};
