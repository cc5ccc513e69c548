import type { Flag } from '../grammar/flag.ts';
import { GIVEN_AUTHORITY_FLAGS, GIVEN_CERTIFICATE_FLAGS, LOG_SEARCH_FLAG } from './material-flags.ts';

/** The parts of a signature as files of their own, as cosign's older `sign-blob` wrote them. */
export const DETACHED_FLAGS: readonly Flag[] = [
  {
    name: 'signature',
    kind: 'string',
    value: 'FILE',
    help: 'a signature without a bundle: a file, or the base64 itself',
    isCommon: true,
  },
  {
    name: 'rfc3161-timestamp',
    kind: 'string',
    value: 'FILE',
    help: 'with --signature: the timestamp, as cosign or openssl wrote it',
  },
  ...GIVEN_CERTIFICATE_FLAGS,
  ...GIVEN_AUTHORITY_FLAGS,
  LOG_SEARCH_FLAG,
];

/** A signature of an image that is in no registry, and what is signed in place of the image. */
export const DETACHED_IMAGE_FLAGS: readonly Flag[] = [
  {
    name: 'signature',
    kind: 'string',
    value: 'FILE',
    help: 'verify this, and nothing in the registry: a file, a URL, or the base64 itself',
    deprecated: 'signatures are found in the registry',
  },
  {
    name: 'payload',
    kind: 'string',
    value: 'FILE',
    help: 'with --signature: what it is over, when that is not the usual',
    deprecated: 'signatures are found in the registry',
  },
  {
    name: 'attachment',
    kind: 'string',
    value: 'KIND',
    choices: ['sbom'],
    help: 'verify what is attached to the image under a tag',
    deprecated: 'attestations are signed as they are',
  },
];
