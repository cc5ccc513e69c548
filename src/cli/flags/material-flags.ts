import type { Flag } from '../grammar/flag.ts';

/** Authorities that are believed instead of the trusted root's. */
export const GIVEN_AUTHORITY_FLAGS: readonly Flag[] = [
  {
    name: 'certificate-chain',
    kind: 'string',
    value: 'FILE',
    help: 'believe this authority instead: PEM, the issuing one first, its root last',
  },
  { name: 'ca-roots', kind: 'string', value: 'FILE', help: 'believe these roots instead: PEM' },
  { name: 'ca-intermediates', kind: 'string', value: 'FILE', help: 'with --ca-roots: what is between, PEM' },
  {
    name: 'timestamp-certificate-chain',
    kind: 'string',
    value: 'FILE',
    help: 'demand a timestamp, by this authority: PEM, its root last',
  },
];

/** In place of what came with the signature. */
export const GIVEN_CERTIFICATE_FLAGS: readonly Flag[] = [
  { name: 'certificate', kind: 'string', value: 'FILE', help: "the signer's certificate, PEM or DER" },
  { name: 'sct', kind: 'string', value: 'FILE', help: "the certificate's SCT, when it has none inside: JSON" },
];

export const LOG_SEARCH_FLAG: Flag = {
  name: 'rekor-url',
  kind: 'string',
  value: 'URL',
  help: 'the log to search for a signature that came without its entry',
};

/** How signatures are looked at, whatever they are of. */
export const CHECK_FLAGS: readonly Flag[] = [
  {
    name: 'allow-certificate-chain',
    kind: 'boolean',
    help: 'take a chain in a bundle of version 0.3, which has room for one certificate',
  },
  {
    name: 'max-workers',
    nonEmptyInCosign: true,
    kind: 'string',
    value: 'NUMBER',
    default: '10',
    help: 'how many signatures are fetched at once, at most',
  },
  {
    name: 'private-infrastructure',
    kind: 'boolean',
    help: 'demand no log entry',
    deprecated: 'say --insecure-ignore-tlog',
  },
  {
    name: 'signature-digest-algorithm',
    kind: 'string',
    value: 'NAME',
    choices: ['sha224', 'sha256', 'sha384', 'sha512'],
    help: "what --key signs a digest of; by the key's kind when absent",
    deprecated: "the key's kind says it",
  },
];

export const CHECK_CLAIMS_FLAG: Flag = {
  name: 'check-claims',
  kind: 'boolean',
  default: true,
  help: '=false: verify what was signed, not that it is about this image',
};
