import { CARRYING } from './carrying-commands.ts';
import type { CommandEntry, CommandGroup } from './grammar/command-entry.ts';
import { REVOCATION_COMMANDS } from './revocation-commands.ts';

/** Every command, with what is needed to list it; a command's own file is loaded when it is called. */
export const COMMANDS: readonly CommandGroup[] = [
  {
    title: 'Sign and verify',
    entries: [
      {
        name: 'sign',
        summary: 'sign container images, keylessly or with a key',
        load: async () => (await import('./commands/sign.ts')).sign,
      },
      {
        name: 'verify',
        summary: "verify container images' signatures",
        load: async () => (await import('./commands/verify.ts')).verify,
      },
      {
        name: 'sign-blob',
        summary: 'sign a file',
        load: async () => (await import('./commands/sign-blob.ts')).signBlob,
      },
      {
        name: 'verify-blob',
        summary: "verify a file's signature",
        load: async () => (await import('./commands/verify-blob.ts')).verifyBlob,
      },
      {
        name: 'attest',
        summary: 'attach a signed statement to images',
        load: async () => (await import('./commands/attest.ts')).attest,
      },
      {
        name: 'download signature',
        summary: "an image's signatures as they are stored, one a line",
        isSeldom: true,
        load: async () => (await import('./commands/download-signature.ts')).downloadSignature,
      },
      {
        name: 'attach signature',
        summary: 'attach a signature that was made elsewhere',
        isSeldom: true,
        load: async () => (await import('./commands/attach-signature.ts')).attachSignatureCommand,
      },
      {
        name: 'attach attestation',
        summary: 'attach attestations that were made elsewhere',
        isSeldom: true,
        load: async () => (await import('./commands/attach-attestation.ts')).attachAttestationCommand,
      },
      {
        name: 'bundle create',
        summary: 'a bundle of version 0.3 from the loose parts of a signature',
        isSeldom: true,
        load: async () => (await import('./commands/bundle-create.ts')).bundleCreate,
      },
      {
        name: 'bundle upgrade',
        summary: 'a bundle of version 0.1 or 0.2 as one of version 0.3',
        isSeldom: true,
        load: async () => (await import('./commands/bundle-upgrade.ts')).bundleUpgrade,
      },
      {
        name: 'bundle inspect',
        summary: 'what is in a signature bundle, unverified',
        isSeldom: true,
        load: async () => (await import('./commands/bundle-inspect.ts')).bundleInspect,
      },
      {
        name: 'verify-attestation',
        summary: "verify images' attestations, and judge them by policies",
        load: async () => (await import('./commands/verify-attestation.ts')).verifyAttestation,
      },
      {
        name: 'attest-blob',
        summary: 'sign a statement about a file',
        load: async () => (await import('./commands/attest-blob.ts')).attestBlob,
      },
      {
        name: 'verify-blob-attestation',
        summary: "verify a file's attestation bundle",
        load: async () => (await import('./commands/verify-blob-attestation.ts')).verifyBlobAttestation,
      },
      {
        name: 'download attestation',
        summary: "print an image's attestations, unverified",
        load: async () => (await import('./commands/download-attestation.ts')).downloadAttestation,
      },
      {
        name: 'generate-key-pair',
        summary: 'make a key pair, encrypted or in a secret or a key service',
        load: async () => (await import('./commands/generate-key-pair.ts')).generateKeyPair,
      },
      {
        name: 'import-key-pair',
        summary: 'take over a key that another program made',
        isSeldom: true,
        load: async () => (await import('./commands/import-key-pair.ts')).importKeyPair,
      },
      {
        name: 'public-key',
        summary: 'the public half of a key',
        isSeldom: true,
        load: async () => (await import('./commands/public-key.ts')).publicKey,
      },
      {
        name: 'initialize',
        summary: 'start trusting an instance by its TUF root',
        load: async () => (await import('./commands/initialize.ts')).initialize,
      },
      {
        name: 'trusted-root create',
        summary: 'a trusted root of your own services',
        isSeldom: true,
        load: async () => (await import('./commands/trusted-root-create.ts')).trustedRootCreate,
      },
      {
        name: 'signing-config create',
        summary: 'which services to sign with',
        isSeldom: true,
        load: async () => (await import('./commands/signing-config-create.ts')).signingConfigCreate,
      },
    ],
  },
  CARRYING,
  {
    title: 'Run a private stack',
    entries: [
      {
        name: 'up',
        summary: 'CA, logs, timestamps, trust root, issuer and registry in one process',
        load: async () => (await import('./commands/up.ts')).up,
      },
      {
        name: 'status',
        summary: 'what runs in a folder, and where',
        load: async () => (await import('./commands/status.ts')).status,
      },
      {
        name: 'dev-token',
        summary: "a test identity token of the stack's development issuer",
        load: async () => (await import('./commands/dev-token.ts')).devToken,
      },
      {
        name: 'down',
        summary: 'stop the stack of a folder',
        load: async () => (await import('./commands/down.ts')).down,
      },
      {
        name: 'log search',
        summary: 'what an identity or a key has signed, as a log proves it',
        isSeldom: true,
        load: async () => (await import('./commands/log-search.ts')).logSearch,
      },
      {
        name: 'log fsck',
        summary: 're-derive every tile of the logs and say what differs',
        isSeldom: true,
        load: async () => (await import('./commands/log-fsck.ts')).logFsck,
      },
    ],
  },
  {
    title: 'Guard a cluster',
    entries: [
      {
        name: 'webhook',
        summary: 'Kubernetes admission by ClusterImagePolicy',
        load: async () => (await import('./commands/webhook.ts')).webhook,
      },
      {
        name: 'webhook install',
        summary: 'put the webhook into a cluster, or print what that takes',
        isSeldom: true,
        load: async () => (await import('./commands/webhook-install.ts')).webhookInstall,
      },
      {
        name: 'webhook status',
        summary: "a cluster's webhooks: who answers, and what is wrong",
        isSeldom: true,
        load: async () => (await import('./commands/webhook-status.ts')).webhookStatusCommand,
      },
      {
        name: 'webhook uninstall',
        summary: 'take the webhook out of a cluster; policies stay',
        isSeldom: true,
        load: async () => (await import('./commands/webhook-uninstall.ts')).webhookUninstall,
      },
      {
        name: 'policy learn',
        summary: 'the tightest policies that admit what runs, from the signatures on it',
        load: async () => (await import('./commands/policy-learn.ts')).policyLearn,
      },
      {
        name: 'policy convert',
        summary: 'policies between ClusterImagePolicy and Kyverno, with everything that is lost named',
        isSeldom: true,
        load: async () => (await import('./commands/policy-convert.ts')).policyConvert,
      },
      {
        name: 'policy diff',
        summary: 'what two sets of policies decide differently',
        isSeldom: true,
        load: async () => (await import('./commands/policy-diff.ts')).policyDiff,
      },
      {
        name: 'policy lint',
        summary: 'what policies and identities let in that nobody meant',
        isSeldom: true,
        load: async () => (await import('./commands/policy-lint.ts')).policyLint,
      },
      {
        name: 'policy plan',
        summary: 'what enforcing would refuse of everything that runs; the gate to enforce',
        isSeldom: true,
        load: async () => (await import('./commands/policy-plan.ts')).policyPlan,
      },
      {
        name: 'policy test',
        summary: 'what the webhook would decide about images and manifests',
        isSeldom: true,
        load: async () => (await import('./commands/policy-test.ts')).policyTest,
      },
      {
        name: 'why',
        summary: 'why an object or image was admitted or refused, also after the fact',
        load: async () => (await import('./commands/why.ts')).why,
      },
    ],
  },
  {
    title: 'Audit',
    entries: [
      {
        name: 'audit snapshot',
        summary: 'what is known about everything that runs, as a dated file',
        load: async () => (await import('./commands/audit-snapshot.ts')).auditSnapshot,
      },
      {
        name: 'audit diff',
        summary: 'what changed between two snapshots, on one page',
        isSeldom: true,
        load: async () => (await import('./commands/audit-diff.ts')).auditDiff,
      },
      {
        name: 'audit trend',
        summary: 'where a series of snapshots goes, as a table, a chart or metrics',
        isSeldom: true,
        load: async () => (await import('./commands/audit-trend.ts')).auditTrendCommand,
      },
      {
        name: 'audit keys',
        summary: 'what rests on long-lived keys, and the next step from a key to an identity',
        isSeldom: true,
        load: async () => (await import('./commands/audit-keys.ts')).auditKeys,
      },
      {
        name: 'audit sample',
        summary: 'entries of snapshots for an auditor, drawn so that anybody can draw them again',
        isSeldom: true,
        load: async () => (await import('./commands/audit-sample.ts')).auditSampleCommand,
      },
      {
        name: 'audit inventory',
        summary: 'who signs: every identity and key in snapshots and in the log, and whether a policy accepts them',
        isSeldom: true,
        load: async () => (await import('./commands/audit-inventory.ts')).auditInventory,
      },
      {
        name: 'audit ticket',
        summary: "keep one ticket of what is not proven yet, in the team's own tracker",
        isSeldom: true,
        load: async () => (await import('./commands/audit-ticket.ts')).auditTicket,
      },
      {
        name: 'audit evidence',
        summary: 'a folder for auditors: controls, snapshots, policies, drills, and a summary (VSA) by digest',
        isSeldom: true,
        load: async () => (await import('./commands/audit-evidence.ts')).auditEvidence,
      },
    ],
  },
  REVOCATION_COMMANDS,
  {
    title: 'About',
    entries: [
      {
        name: 'doctor',
        summary: 'what would fail here, and what mends it: registry, clock, token, trust',
        load: async () => (await import('./commands/doctor.ts')).doctor,
      },
      {
        name: 'env',
        summary: 'variables of the environment that change what commands do',
        isSeldom: true,
        load: async () => (await import('./commands/env.ts')).env,
      },
      {
        name: 'debug providers',
        summary: 'which providers of identity tokens there are here',
        isSeldom: true,
        load: async () => (await import('./commands/debug-providers.ts')).debugProviders,
      },
      {
        name: 'completion',
        summary: 'a script that teaches a shell to complete command lines',
        isSeldom: true,
        load: async () => (await import('./commands/completion.ts')).completion,
      },
      {
        name: 'version',
        summary: 'version of Sealwright and its runtime',
        isSeldom: true,
        load: async () => (await import('./commands/version.ts')).version,
      },
    ],
  },
];

export const COMMAND_NAMES: readonly string[] = COMMANDS.flatMap(({ entries }) => entries.map(({ name }) => name));

export function findCommand(name: string): CommandEntry | undefined {
  for (const { entries } of COMMANDS) {
    const entry = entries.find((candidate) => candidate.name === name || candidate.aliases?.includes(name) === true);
    if (entry !== undefined) return entry;
  }
  return undefined;
}
