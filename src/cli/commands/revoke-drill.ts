import type { Command } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { CLUSTER_PICTURE_FLAGS, NO_MATCH_FLAG, POLICY_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { SYSTEM_NAMESPACE_FLAG } from '../flags/cluster-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { PUBLICATION_FLAGS } from '../flags/publication-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { SIGNING_FLAGS } from '../flags/signing-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

/** What is typed for each drill; the rest is as in other commands. */
const EVERY_TIME = ['to', 'snapshot-key', 'notify'];
const seldom = ({ isCommon: _, ...flag }: Flag): Flag => flag;
const without = (flags: readonly Flag[], ...names: readonly string[]): readonly Flag[] =>
  flags.filter(({ name }) => !names.includes(name));

export const revokeDrill: Command = {
  name: 'revoke drill',
  summary: 'revoke a canary for real, time it, and make it good again',
  // Whatever happens, it has to come to its own end.
  isService: true,
  operands: '[IMAGE]',
  operandCount: [0, 1],
  flags: [
    { name: 'push', kind: 'string', value: 'REPOSITORY', help: 'have a new canary made there', isCommon: true },
    { name: 'canary-key', kind: 'string', value: 'KEY', help: 'sign the new canary with it', isCommon: true },
    {
      name: 'canary-identity-token',
      kind: 'string',
      value: 'TOKEN|FILE',
      help: 'sign the new canary by this identity',
      isCommon: true,
    },
    {
      name: 'key',
      kind: 'list',
      value: 'KEY',
      help: 'of members of the authority, as many as have to agree',
      isCommon: true,
    },
    {
      name: 'reinstatement',
      kind: 'string',
      value: 'FILE',
      help: 'what ends the drill, signed before by those who have to agree',
    },
    {
      name: 'namespace',
      short: 'n',
      kind: 'string',
      value: 'NAME',
      help: 'start the canary there; without it no cluster is asked',
      isCommon: true,
    },
    {
      name: 'watched',
      kind: 'boolean',
      help: 'wait for a revoke watch that runs to find the copy, instead of looking',
    },
    { name: 'patience', kind: 'string', value: 'DURATION', help: 'how long to wait for each stage; twice its goal' },
    {
      name: 'reason',
      kind: 'string',
      value: 'TEXT',
      default: 'a drill of revocation',
      help: 'what the statement says',
    },
    { name: 'evidence', kind: 'list', value: 'TEXT', help: 'where it is written down' },
    {
      name: 'out',
      kind: 'string',
      value: 'FILE|FOLDER',
      default: 'revocation-drill.json',
      help: 'the signed record; in a folder named by its time',
      isCommon: true,
    },
    {
      name: 'keep-record',
      kind: 'boolean',
      help: "also in the webhook's namespace, for webhook status and metrics",
    },
    outputFlag(['text', 'json']),
    ...PUBLICATION_FLAGS.map((flag) => (EVERY_TIME.includes(flag.name) ? flag : seldom(flag))),
    ...without(CLUSTER_PICTURE_FLAGS, 'namespace'),
    seldom(SYSTEM_NAMESPACE_FLAG),
    ...[{ ...POLICY_FLAG, help: "what applies, instead of the cluster's own policies" }].map(seldom),
    TRUSTROOT_FLAG,
    NO_MATCH_FLAG,
    ...without(SIGNING_FLAGS, 'key').map(seldom),
    ...TOKEN_FLAGS.map(seldom),
    ...TRUST_FLAGS.map(seldom),
    seldom(SIGNING_CONFIG_FLAG),
    ...without(REVOCATION_FLAGS, 'revocation-authority'),
    ...REGISTRY_FLAGS,
  ],
  examples: [
    'sealwright revoke drill --key ann.key --key ben.key --to ~/stack --snapshot-key snapshot.key \\',
    '  --push registry.example/drill/canary --canary-key ci.key -n drill --notify https://webhook.example/revocations',
    'sealwright revoke --drill …   # the same',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { drill } = await import('../actions/revoke-drill.ts');
    await drill(context);
  },
};
