import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'what would fail here, and what mends it: registry, clock, token, trust',
  operands: '[IMAGE]',
  operandCount: [0, 1],
  flags: [
    {
      name: 'for',
      kind: 'string',
      value: 'USE',
      choices: ['sign', 'verify'],
      default: 'sign',
      help: 'what is to be done here',
      isCommon: true,
    },
    { name: 'offline', kind: 'boolean', help: 'open no socket; what takes one is not checked', isCommon: true },
    {
      name: 'live',
      kind: 'boolean',
      help: 'have a random number stamped and read the logs’ checkpoints, and verify both',
      isCommon: true,
    },
    OUTPUT_FLAG,
    {
      name: 'identity-token',
      kind: 'string',
      value: 'TOKEN|FILE',
      help: 'instead of what the environment offers',
      isCommon: true,
    },
    { name: 'oidc-provider', kind: 'string', value: 'NAME', help: 'take the token from here only' },
    SIGNING_CONFIG_FLAG,
    ...TRUST_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: ['sealwright doctor', 'sealwright doctor registry.example/app:1', 'sealwright doctor --for verify -o json'],
  readsCosignVariables: false,
  work: 'looking',
  run: async (context) => {
    const { examineSurroundings } = await import('../actions/doctor.ts');
    await examineSurroundings(context);
  },
};
