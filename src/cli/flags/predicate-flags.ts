import type { Flag } from '../flag.ts';

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
    kind: 'string',
    value: 'MODE',
    choices: ['all', 'any'],
    default: 'all',
    help: 'how many of the type have to satisfy the policies',
  },
];
