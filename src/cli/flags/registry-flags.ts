import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';

/** For the commands that look for what is kept under tags, or put it there. */
export const TAG_PREFIX_FLAG: Flag = {
  name: 'attachment-tag-prefix',
  kind: 'string',
  value: 'TEXT',
  help: 'in front of the tags of the older storage',
  deprecated: 'bundles that refer to their image need no tags',
};

/**
 * `--attachment-tag-prefix`, empty when absent.
 *
 * @throws UsageError USAGE_BAD_FLAG for what no tag begins with
 */
export function attachmentTagPrefix({ flags }: CommandContext): string {
  const prefix = flags.string('attachment-tag-prefix') ?? '';
  if (/^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,40})?$/.test(prefix)) return prefix;
  throw new UsageError('USAGE_BAD_FLAG', '--attachment-tag-prefix is no beginning of a tag', {
    found: prefix.slice(0, 60),
    expected: 'letters, digits and _ . -, at most 41 of them',
  });
}

/** How registries are spoken to; names are cosign's. */
export const REGISTRY_FLAGS: readonly Flag[] = [
  {
    name: 'allow-http-registry',
    kind: 'boolean',
    help: 'plain HTTP to any registry, not to this machine alone',
  },
  {
    name: 'allow-insecure-registry',
    kind: 'boolean',
    help: 'accept any TLS certificate of the registry, and plain HTTP',
  },
  {
    name: 'k8s-keychain',
    kind: 'boolean',
    help: "as a workload in a cloud: GITHUB_TOKEN, and the cloud's own credential helper",
  },
  { name: 'registry-username', kind: 'string', value: 'NAME', help: "instead of Docker's configuration" },
  { name: 'registry-password', kind: 'string', value: 'TEXT', help: "instead of Docker's configuration" },
  { name: 'registry-token', kind: 'string', value: 'TOKEN', help: 'a bearer token for the registry' },
  { name: 'registry-cacert', kind: 'string', value: 'FILE', help: "the registry's certificate authorities, PEM" },
  { name: 'registry-client-cert', kind: 'string', value: 'FILE', help: 'certificate to prove ourselves with, PEM' },
  { name: 'registry-client-key', kind: 'string', value: 'FILE', help: 'its key, PEM' },
  { name: 'registry-server-name', kind: 'string', value: 'NAME', help: "the name in the registry's certificate" },
];
