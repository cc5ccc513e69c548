import type { Flag } from '../grammar/flag.ts';

/** Whom a certificate authority is told about. */
export const SUSPENSION_FLAGS: readonly Flag[] = [
  { name: 'issuer', kind: 'string', value: 'URL', help: 'who authenticates the identity', isCommon: true },
  { name: 'claim', kind: 'list', value: 'NAME=VALUE', help: 'what the certificate would say as well' },
];
