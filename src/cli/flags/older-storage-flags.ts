import { UsageError } from '../../errors.ts';
import type { OlderStorage } from '../../workflows/sign/sign-image-layers.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { readInputFile } from '../terminal/input-file.ts';
import { attachmentTagPrefix } from './registry-flags.ts';
import { wantsReferrers } from './image-flags.ts';

export const STORAGE_FLAG: Flag = {
  name: 'new-bundle-format',
  kind: 'boolean',
  default: true,
  help: '--new-bundle-format=false signs and stores as cosign did before bundles',
};

/** What only makes sense where the parts of a signature lie apart; bundles have them all inside. */
const ONLY_OLDER: readonly Flag[] = [
  { name: 'output-signature', kind: 'string', value: 'FILE', help: 'write the signature, in base64' },
  { name: 'output-certificate', kind: 'string', value: 'FILE', help: 'write the certificate, or the public key' },
];

const ONLY_OLDER_BLOBS: readonly Flag[] = [
  ...ONLY_OLDER.map((flag) => (flag.name === 'output-signature' ? { ...flag, aliases: ['output'] } : flag)),
  { name: 'rfc3161-timestamp', kind: 'string', value: 'FILE', help: 'write the timestamp' },
  { name: 'b64', kind: 'boolean', default: true, help: '--b64=false writes raw bytes' },
];

const ONLY_OLDER_BLOB_ATTESTATIONS: readonly Flag[] = [
  { name: 'output-signature', kind: 'string', value: 'FILE', help: 'write the envelope; else to stdout' },
  { name: 'output-attestation', kind: 'string', value: 'FILE', help: 'write the statement' },
  { name: 'output-certificate', kind: 'string', value: 'FILE', help: 'write the certificate' },
  { name: 'rfc3161-timestamp-bundle', kind: 'string', value: 'FILE', help: 'write the timestamp' },
];

const ONLY_OLDER_IMAGES: readonly Flag[] = [
  ...ONLY_OLDER,
  { name: 'output-payload', kind: 'string', value: 'FILE', help: 'write what was signed' },
  { name: 'payload', kind: 'string', value: 'FILE', help: 'sign this, which has to name the image' },
  { name: 'sign-container-identity', kind: 'list', value: 'NAME', help: 'what the signature calls the image' },
  { name: 'record-creation-timestamp', kind: 'boolean', help: 'note the time in what stores the signature' },
];

export const ATTACHMENT_FLAG: Flag = {
  name: 'attachment',
  kind: 'string',
  value: 'KIND',
  choices: ['sbom'],
  help: 'sign what attach sbom has put beside the image',
  deprecated: 'nobody verifies it with the image; attest --type spdxjson --predicate FILE does',
};

export const OLDER_IMAGE_FLAGS: readonly Flag[] = [
  STORAGE_FLAG,
  ...ONLY_OLDER_IMAGES.map((flag) => ({ ...flag, help: `with --new-bundle-format=false: ${flag.help}` })),
];

export const OLDER_BLOB_FLAGS: readonly Flag[] = [
  STORAGE_FLAG,
  ...ONLY_OLDER_BLOBS.map((flag) => ({ ...flag, help: `with --new-bundle-format=false: ${flag.help}` })),
];

export const OLDER_BLOB_ATTESTATION_FLAGS: readonly Flag[] = [
  STORAGE_FLAG,
  ...ONLY_OLDER_BLOB_ATTESTATIONS.map((flag) => ({ ...flag, help: `with --new-bundle-format=false: ${flag.help}` })),
];

/** Whether an attestation of a blob is to lie in parts. @throws UsageError USAGE_BAD_FLAG for flags that would be ignored */
export function isOlderAttestation(context: CommandContext): boolean {
  if (!context.flags.boolean('new-bundle-format')) return true;
  refuseOlderFlags(context, ONLY_OLDER_BLOB_ATTESTATIONS);
  return false;
}

/** Whether a blob's signature is to lie in parts. @throws UsageError USAGE_BAD_FLAG for flags that would be ignored */
export function isOlderFormat(context: CommandContext): boolean {
  if (!context.flags.boolean('new-bundle-format')) return true;
  refuseOlderFlags(context, ONLY_OLDER_BLOBS);
  return false;
}

/**
 * How cosign's older storage is to be written; undefined when bundles are.
 *
 * @throws UsageError USAGE_BAD_FLAG for flags that would be ignored, USAGE_FILE
 */
export function olderStorage(context: CommandContext): OlderStorage | undefined {
  const { flags, environment, now, compat } = context;
  if (flags.boolean('new-bundle-format')) {
    refuseOlderFlags(context, ONLY_OLDER_IMAGES);
    // cosign reads what it then does not sign.
    const unsigned = compat ? flags.string('payload') : undefined;
    if (unsigned !== undefined) readInputFile(unsigned);
    return undefined;
  }
  if (wantsReferrers(context)) throw experimentWritten();
  if (flags.isGiven('bundle')) {
    throw new UsageError('USAGE_BAD_FLAG', 'there is no bundle to be written', {
      found: '--bundle with --new-bundle-format=false',
      expected: 'one of the two',
    });
  }
  const payload = flags.string('payload');
  const tagPrefix = attachmentTagPrefix(context);
  return {
    ...(tagPrefix === '' ? {} : { tagPrefix }),
    dockerReferences: flags.list('sign-container-identity'),
    ...(payload === undefined ? {} : { payload: readInputFile(payload) }),
    ...(flags.boolean('record-creation-timestamp') ? { createdAt: now() } : {}),
    dockerMediaTypes: wantsDockerMediaTypes(environment),
  };
}

/** Its verifiers look at the last referrer alone, and only beside the image: it was never more than an experiment. */
function experimentWritten(): UsageError {
  return new UsageError('USAGE_BAD_FLAG', "signatures are not written as in cosign's experiment with OCI 1.1", {
    found: '--registry-referrers-mode oci-1-1 with --new-bundle-format=false',
    expected: 'bundles, which are referrers; or tags',
    fix: 'leave out --new-bundle-format=false',
  });
}

/** cosign warns and ignores them, which broke many a release script; in its mode that is what happens. */
function refuseOlderFlags({ flags, terminal, compat }: CommandContext, older: readonly Flag[]): void {
  const given = older.find(({ name }) => flags.isGiven(name));
  if (given === undefined) return;
  if (compat) {
    terminal.warn(`--${given.name} is ignored when using the new bundle format`);
    return;
  }
  throw new UsageError('USAGE_BAD_FLAG', `--${given.name} means nothing with bundles`, {
    found: `--${given.name} without --new-bundle-format=false`,
    expected: '--bundle FILE, which has every part inside',
    fix: 'add --new-bundle-format=false, or write --bundle FILE',
  });
}

/** COSIGN_DOCKER_MEDIA_TYPES, for signatures and attestations alike. */
export function wantsDockerMediaTypes(environment: CommandContext['environment']): boolean {
  return /^(1|t|true)$/i.test(environment['COSIGN_DOCKER_MEDIA_TYPES'] ?? '');
}
