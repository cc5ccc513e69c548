import { UsageError } from '../../errors.ts';
import type { OlderAttestationStorage } from '../../workflows/sign/attest-image.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { TAG_PREFIX_FLAG, attachmentTagPrefix } from './registry-flags.ts';
import { STORAGE_FLAG } from './older-storage-flags.ts';
import { wantsDockerMediaTypes } from './older-storage-flags.ts';

/** What an attestation says, by cosign's names. */
export const PREDICATE_TYPE_FLAG: Flag = {
  name: 'type',
  kind: 'string',
  value: 'TYPE',
  default: 'custom',
  help: 'slsaprovenance1, spdxjson, cyclonedx, vuln, openvex, link, … or a URI',
  isCommon: true,
};

export const PREDICATE_FLAGS: readonly Flag[] = [
  { name: 'predicate', kind: 'string', value: 'FILE|-', help: 'what is attested', isCommon: true },
  {
    name: 'statement',
    kind: 'string',
    value: 'FILE',
    help: 'a whole in-toto statement, signed as it is',
    isCommon: true,
  },
  PREDICATE_TYPE_FLAG,
];

/** How attestations were logged and replaced before they were bundles. */
export const DEPRECATED_ATTEST_FLAGS: readonly Flag[] = [
  {
    name: 'rekor-entry-type',
    nonEmptyInCosign: true,
    kind: 'string',
    value: 'TYPE',
    choices: ['dsse', 'intoto'],
    help: 'how the log keeps it',
    deprecated: 'the log keeps digests and signatures, never attestations',
  },
];

/** What proven attestations have to satisfy. */
export const POLICY_FLAGS: readonly Flag[] = [
  {
    name: 'policy',
    kind: 'list',
    value: 'FILE',
    help: 'they must satisfy it: .rego (data.signature.allow), .cue or .cel',
    isCommon: true,
  },
  {
    name: 'policy-mode',
    isOurs: true,
    kind: 'string',
    value: 'MODE',
    choices: ['all', 'any'],
    default: 'all',
    help: 'how many of the type have to satisfy the policies',
  },
];

/** For `.att` tags: what attestations as bundles, beside one another, have no use for. */
export const OLDER_ATTESTATION_FLAGS: readonly Flag[] = [
  STORAGE_FLAG,
  TAG_PREFIX_FLAG,
  {
    name: 'replace',
    kind: 'boolean',
    help: 'with --new-bundle-format=false: in place of earlier ones of the type',
    deprecated: 'bundles are referrers beside one another; nothing is replaced',
  },
  {
    name: 'record-creation-timestamp',
    kind: 'boolean',
    help: 'with --new-bundle-format=false: note the time in what stores it',
    deprecated: 'bundles are always pushed with their time',
  },
];

/**
 * How an `.att` tag is to be written; undefined when bundles are.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function olderAttestationStorage(context: CommandContext): OlderAttestationStorage | undefined {
  const { flags, environment, now } = context;
  if (flags.boolean('new-bundle-format')) return undefined;
  if (flags.isGiven('bundle')) {
    throw new UsageError('USAGE_BAD_FLAG', 'there is no bundle to be written', {
      found: '--bundle with --new-bundle-format=false',
      expected: 'one of the two',
    });
  }
  const tagPrefix = attachmentTagPrefix(context);
  return {
    ...(tagPrefix === '' ? {} : { tagPrefix }),
    replace: flags.boolean('replace'),
    ...(flags.boolean('record-creation-timestamp') ? { createdAt: now() } : {}),
    dockerMediaTypes: wantsDockerMediaTypes(environment),
  };
}
