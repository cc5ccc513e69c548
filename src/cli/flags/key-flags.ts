import type { Flag } from '../grammar/flag.ts';

/** What `--key` takes, in one line of help; docs/cli.md says it at length. */
export const KEY_KINDS = 'FILE, URL, env://, k8s://, gitlab://, KMS://';

/** Known from cosign, and refused by name when they are used: a key must never be silently another one. */
export const HARDWARE_KEY_FLAGS: readonly Flag[] = [
  { name: 'sk', kind: 'boolean', help: 'a key on a hardware token: refused, with what to use instead' },
  { name: 'slot', kind: 'string', value: 'SLOT', help: 'where on the token: refused likewise' },
];
