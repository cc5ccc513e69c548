import type { CommandGroup } from './grammar/command-entry.ts';

/** Commands about what is no longer to be believed. */
export const REVOCATION_COMMANDS: CommandGroup = {
  title: 'Revoke',
  entries: [
    {
      name: 'revoke init',
      summary: 'say who may revoke, and how many of them have to agree',
      isSeldom: true,
      load: async () => (await import('./commands/revoke-init.ts')).revokeInit,
    },
    {
      name: 'revoke plan',
      summary: 'what a revocation would stop, without making it',
      load: async () => (await import('./commands/revoke-plan.ts')).revokePlan,
    },
    {
      name: 'revoke sign',
      summary: 'say that an image, an identity, a key … is not to be believed',
      load: async () => (await import('./commands/revoke-sign.ts')).revokeSign,
    },
    {
      name: 'revoke approve',
      summary: 'agree to a revocation that somebody else has signed',
      isSeldom: true,
      load: async () => (await import('./commands/revoke-approve.ts')).revokeApprove,
    },
    {
      name: 'revoke publish',
      summary: 'put revocations into the snapshot that verifiers read',
      load: async () => (await import('./commands/revoke-publish.ts')).revokePublish,
    },
    {
      name: 'revoke import',
      summary: 'bring a snapshot to a site without a network, with the age that it may have',
      isSeldom: true,
      load: async () => (await import('./commands/revoke-import.ts')).revokeImport,
    },
    {
      name: 'revoke watch',
      summary: 'find pods that run what is revoked, and end them if told to',
      isSeldom: true,
      load: async () => (await import('./commands/revoke-watch.ts')).revokeWatch,
    },
    {
      name: 'revoke drill',
      aliases: ['revoke --drill'],
      summary: 'revoke a canary for real, time it, and make it good again',
      isSeldom: true,
      load: async () => (await import('./commands/revoke-drill.ts')).revokeDrill,
    },
    {
      name: 'revoke export',
      summary: 'have policy-controller, Kyverno, the API server or OPA deny what is revoked',
      load: async () => (await import('./commands/revoke-export.ts')).revokeExport,
    },
    {
      name: 'revoke status',
      summary: 'what is revoked, by whom, and how old the news are',
      isSeldom: true,
      load: async () => (await import('./commands/revoke-status.ts')).revokeStatus,
    },
    {
      name: 'plan init',
      summary: 'write the emergency plan of this installation, or renew what is generated of it',
      isSeldom: true,
      load: async () => (await import('./commands/plan-init.ts')).planInit,
    },
    {
      name: 'plan check',
      summary: 'what is missing in the emergency plan, or no longer true',
      isSeldom: true,
      load: async () => (await import('./commands/plan-check.ts')).planCheck,
    },
    {
      name: 'tabletop',
      summary: 'walk through an emergency at a table: nothing is signed, and nothing is stopped',
      isSeldom: true,
      load: async () => (await import('./commands/tabletop.ts')).tabletop,
    },
    {
      name: 'ca suspend',
      summary: 'have the certificate authority of a running stack refuse an identity, at once',
      isSeldom: true,
      load: async () => (await import('./commands/ca-suspend.ts')).caSuspend,
    },
    {
      name: 'ca resume',
      summary: 'let an identity have certificates again',
      isSeldom: true,
      load: async () => (await import('./commands/ca-resume.ts')).caResume,
    },
    {
      name: 'ca status',
      summary: 'who gets no certificates from a running stack',
      isSeldom: true,
      load: async () => (await import('./commands/ca-status.ts')).caStatus,
    },
  ],
};
