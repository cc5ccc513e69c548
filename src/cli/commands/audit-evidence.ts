import type { Command } from '../grammar/command.ts';
import { DRILL_FLAGS } from '../flags/drill-flags.ts';
import { POLICY_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { DEFAULT_VERIFIER, EVIDENCE_SIGNING_FLAGS } from '../flags/evidence-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { SNAPSHOT_SIGNER_FLAGS } from '../flags/snapshot-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditEvidence: Command = {
  name: 'audit evidence',
  summary: 'a folder for auditors: controls, snapshots, policies, drills, and a summary (VSA) by digest',
  operands: 'FOLDER|SNAPSHOT...',
  operandCount: [1, 1000],
  flags: [
    { name: 'out', kind: 'string', value: 'FOLDER', help: 'made whole, or not at all', isCommon: true },
    { name: 'system', kind: 'string', value: 'NAME', help: 'fail when a snapshot is of another one', isCommon: true },
    { ...POLICY_FLAG, help: 'what the newest snapshot was judged by, for the folder' },
    TRUSTROOT_FLAG,
    {
      name: 'verifier',
      kind: 'string',
      value: 'URI',
      default: DEFAULT_VERIFIER,
      help: 'who verified, as summaries say',
      isCommon: true,
    },
    outputFlag(['text', 'json']),
    ...DRILL_FLAGS,
    ...EVIDENCE_SIGNING_FLAGS,
    ...SNAPSHOT_SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
  ],
  examples: [
    'sealwright audit evidence snapshots/*.json --policy policies/ --drill drill.json --out evidence-q3',
    'sealwright audit evidence now.json --sign --out evidence',
  ],
  readsCosignVariables: false,
  work: 'collecting evidence',
  run: async (context) => {
    const { packEvidence } = await import('../actions/audit-evidence.ts');
    await packEvidence(context);
  },
};
