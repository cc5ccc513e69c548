import { GATED_STATES } from '../../core/audit/audit-gate.ts';
import { DEFAULT_TEAM_LABEL } from '../../core/audit/team-of.ts';
import type { Command } from '../grammar/command.ts';
import { POLICY_NAMESPACE_FLAG } from '../flags/cluster-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { CLUSTER_PICTURE_FLAGS, NO_MATCH_FLAG, POLICY_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { SNAPSHOT_SIGNING_FLAGS } from '../flags/snapshot-flags.ts';
import { STANDING_FLAGS } from '../flags/standing-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditSnapshot: Command = {
  name: 'audit snapshot',
  summary: 'what is known about everything that runs, as a dated file',
  operands: '[IMAGE...]',
  operandCount: [0, 10_000],
  flags: [
    { name: 'system', kind: 'string', value: 'NAME', help: 'what is looked at, for reports', isCommon: true },
    { name: 'cluster', kind: 'string', value: 'NAME', help: 'what its cluster is called, for figures by cluster' },
    {
      name: 'team-label',
      kind: 'list',
      value: 'NAME',
      help: `label or annotation of teams; ${DEFAULT_TEAM_LABEL} when absent`,
    },
    { ...POLICY_FLAG, help: "what should apply, instead of the cluster's own policies" },
    TRUSTROOT_FLAG,
    ...STANDING_FLAGS,
    ...CLUSTER_PICTURE_FLAGS,
    POLICY_NAMESPACE_FLAG,
    { name: 'key', kind: 'list', value: 'KEY', help: 'public keys of those who sign with one' },
    NO_MATCH_FLAG,
    {
      name: 'out',
      kind: 'string',
      value: 'FILE|FOLDER/',
      help: 'write the snapshot here; in a folder, named by its moment',
      isCommon: true,
    },
    {
      name: 'fail-under',
      kind: 'list',
      value: '[BASIS:]PERCENT',
      help: 'fail below this share of what is verified, of containers, digests or workloads',
      isCommon: true,
    },
    {
      name: 'fail-on',
      kind: 'list',
      value: 'STATE',
      help: `fail when anything is ${GATED_STATES.join(', ')}`,
      isCommon: true,
    },
    outputFlag(['text', 'json', 'prometheus']),
    ...SNAPSHOT_SIGNING_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: [
    'sealwright audit snapshot --system pay-prod --sign --out before.json',
    'sealwright audit snapshot --system pay-prod --policy policies/ --resource rendered.yaml --fail-under 95',
  ],
  readsCosignVariables: false,
  work: 'looking at what runs',
  run: async (context) => {
    const { takeSnapshot } = await import('../actions/audit-snapshot.ts');
    await takeSnapshot(context);
  },
};
