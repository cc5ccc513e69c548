import type { Flag } from '../flag.ts';

/** The parts of a signature as files of their own, as cosign's older `sign-blob` wrote them. */
export const DETACHED_FLAGS: readonly Flag[] = [
  {
    name: 'signature',
    kind: 'string',
    value: 'FILE',
    help: 'a signature without a bundle: a file, or the base64 itself',
    isCommon: true,
  },
  { name: 'certificate', kind: 'string', value: 'FILE', help: 'with --signature: the certificate, PEM or DER' },
  {
    name: 'certificate-chain',
    kind: 'string',
    value: 'FILE',
    help: 'believe this authority instead: PEM, the issuing one first, its root last',
  },
  { name: 'ca-roots', kind: 'string', value: 'FILE', help: 'believe these roots instead: PEM' },
  { name: 'ca-intermediates', kind: 'string', value: 'FILE', help: 'with --ca-roots: what is between, PEM' },
  {
    name: 'rfc3161-timestamp',
    kind: 'string',
    value: 'FILE',
    help: 'with --signature: the timestamp, as cosign or openssl wrote it',
  },
  { name: 'sct', kind: 'string', value: 'FILE', help: "the certificate's SCT, when it has none inside: JSON" },
  {
    name: 'rekor-url',
    kind: 'string',
    value: 'URL',
    help: 'the log to search for a signature that came without its entry',
  },
];
