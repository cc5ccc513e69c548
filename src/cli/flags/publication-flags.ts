import type { Flag } from '../grammar/flag.ts';
import { AUTHORITY_FLAG } from './revocation-flags.ts';

/** Where a snapshot of what is revoked is put, who signs it, and who is told. */
export const PUBLICATION_FLAGS: readonly Flag[] = [
  { ...AUTHORITY_FLAG, default: 'revocation-authority.json', isCommon: true },
  {
    name: 'to',
    kind: 'string',
    value: 'DIR',
    help: 'the running stack of this folder, whose trust root tells it to everybody',
    isCommon: true,
  },
  {
    name: 'replace-authority',
    kind: 'boolean',
    help: 'with --to: another authority takes the place of the one that is told',
  },
  {
    name: 'snapshot',
    kind: 'string',
    value: 'FILE',
    default: 'revocations.json',
    help: 'the snapshot: read, and replaced by the next one',
    isCommon: true,
  },
  { name: 'snapshot-key', kind: 'string', value: 'KEY', help: 'the private key that signs it', isCommon: true },
  {
    name: 'valid-for',
    kind: 'string',
    value: 'DURATION',
    default: '24h',
    help: 'until the next one',
    isCommon: true,
  },
  {
    name: 'notify',
    kind: 'list',
    value: 'URL',
    help: 'webhooks to tell at once: https://…/revocations',
  },
  { name: 'notify-ca', kind: 'string', value: 'FILE', help: 'certificates by which those webhooks are known' },
];
