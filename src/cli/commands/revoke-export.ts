import { EXPORT_FORMS } from '../../core/policy/revocation-export/export-form.ts';
import type { Command } from '../grammar/command.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokeExport: Command = {
  name: 'revoke export',
  summary: 'have policy-controller, Kyverno, the API server or OPA deny what is revoked',
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'to',
      kind: 'string',
      value: 'FORM',
      choices: EXPORT_FORMS,
      help: 'what to write: policies, data for OPA, a list',
      isCommon: true,
    },
    { name: 'widen', kind: 'boolean', help: 'deny more where the form cannot deny exactly what is revoked' },
    { name: 'out', kind: 'string', value: 'FILE', help: 'write it here; else to stdout', isCommon: true },
    ...REVOCATION_FLAGS,
    ...TRUST_FLAGS,
  ],
  examples: [
    'sealwright revoke export --to vap | kubectl apply -f -',
    'sealwright revoke export --to cip --widen --out revoked.yaml',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { exportWhatIsRevoked } = await import('../actions/revoke-export.ts');
    await exportWhatIsRevoked(context);
  },
};
