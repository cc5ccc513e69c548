/** An installation as a plan is written for it, and an exercise that was held. */
import type { EmergencyFacts } from '../../src/core/emergency/emergency-facts.ts';
import type { TabletopRecord } from '../../src/core/emergency/tabletop-record.ts';

export const FACTS: EmergencyFacts = {
  trust: {
    digest: '1'.repeat(64),
    certificateAuthorities: [{ id: '2'.repeat(64), name: 'acme' }],
    logs: [{ id: '3'.repeat(64), name: 'https://log.example' }],
    timestampAuthorities: [{ id: '4'.repeat(64), name: 'https://tsa.example' }],
  },
  authority: {
    digest: '5'.repeat(64),
    members: [
      { name: 'ann', id: `key ${'6'.repeat(64)}` },
      { name: 'ben', id: `key ${'7'.repeat(64)}` },
    ],
    quorum: { narrow: 1, broad: 2, relaxing: 2 },
    snapshotKeys: ['8'.repeat(64)],
  },
  policies: [
    {
      name: 'signed',
      signers: [
        { kind: 'identity', issuer: 'https://token.example', subject: 'https://github.com/acme/*' },
        { kind: 'key', id: '9'.repeat(64) },
        { kind: 'other', text: 'the key in the Secret cosign-system/k' },
      ],
    },
  ],
  cluster: { server: 'https://cluster.example:6443', webhookNamespace: 'cosign-system' },
  registries: ['registry.example'],
};

export const TABLETOP: TabletopRecord = {
  heldAt: new Date('2026-03-01T08:00:00Z'),
  scenario: 'stolen-identity',
  about: 'identity https://github.com/acme/*, issuer https://token.example',
  participants: ['ann', 'ben'],
  approvals: { needed: 2, of: ['ann', 'ben'] },
  blast: { count: '14+3', scope: 'a cluster', notLookedAt: ['namespace x: forbidden'], protected: ['kube-system'] },
  steps: [{ who: 'a member', what: 'say it', within: '2 seconds', command: 'sealwright revoke sign' }],
  questions: [{ question: 'who decides?', answer: 'ann' }],
};
