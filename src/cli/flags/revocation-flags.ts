import type { Flag } from '../grammar/flag.ts';

export const STALENESS_MODES = ['last-known', 'enforce', 'warn'] as const;

export const AUTHORITY_FLAG: Flag = {
  name: 'revocation-authority',
  isOurs: true,
  kind: 'string',
  value: 'FILE',
  help: 'who may revoke, as revoke init has written it',
};

/** What verification holds against what is revoked. */
export const REVOCATION_FLAGS: readonly Flag[] = [
  {
    name: 'revocations',
    isOurs: true,
    kind: 'string',
    value: 'FILE|URL',
    help: 'the snapshot of what is revoked; the newest ever seen is kept',
  },
  AUTHORITY_FLAG,
  {
    name: 'stale-revocations',
    isOurs: true,
    kind: 'string',
    value: 'MODE',
    choices: STALENESS_MODES,
    default: 'last-known',
    help: 'once it has ended',
  },
  {
    name: 'revocations-max-age',
    isOurs: true,
    kind: 'string',
    value: 'AGE',
    default: '24h',
    help: 'how long last-known does after its end',
  },
];
