/** policy-controller's `ClusterImagePolicy` (both versions have the same fields) and `TrustRoot`. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { rowsOf, type ParityProof, type ParityRow, type ParityTable } from '../parity/parity-table.ts';

/** `kept`: stored as it is, and neither read nor written. */
export type PolicyVerdict = 'same' | 'better' | 'refused' | 'kept';
export type PolicyParityTable = ParityTable<PolicyVerdict>;
type Row = ParityRow<PolicyVerdict>;

const proof =
  (file: string) =>
  (test: string): ParityProof => ({ file, test });
const WEBHOOK = 'test/servers/webhook';
const cases = proof(`${WEBHOOK}/policy-cases.ts`);
const parsed = proof('test/core/policy/cluster-image-policy.test.ts');
const decided = proof('test/core/policy/image-decision.test.ts');
const attested = proof(`${WEBHOOK}/attestations.test.ts`);
const referred = proof(`${WEBHOOK}/policy-references.test.ts`);
const programs = proof(`${WEBHOOK}/policy-programs.test.ts`);
const oracle = proof(`${WEBHOOK}/policy-controller-oracle.test.ts`);
const pulled = proof(`${WEBHOOK}/pull-secrets.test.ts`);
const reviewed = proof(`${WEBHOOK}/policy-review.test.ts`);

const under = (parent: string, names: string): readonly string[] =>
  names.split(' ').map((name) => (name === '' ? parent : `${parent}${name.startsWith('[') ? '' : '.'}${name}`));
const AUTHORITY = 'spec.authorities[]';
const STATUS =
  'annotations conditions conditions[] conditions[].lastTransitionTime conditions[].message conditions[].reason ' +
  'conditions[].severity conditions[].status conditions[].type observedGeneration';
const status: readonly Row[] = rowsOf(
  reviewed('what leaves the spec alone is admitted: status'),
  'kept',
  ['status', ...under('status', STATUS)],
  'nothing is reconciled, so there is nothing to report; `sealwright webhook status` and the log say what is wrong',
);
const program = (parent: string): readonly Row[] => [
  ...rowsOf(
    proof(`${WEBHOOK}/policy-routes.test.ts`)('programs are compiled before a policy is admitted'),
    'better',
    under(parent, ' type data'),
    'compiled before the policy is admitted',
  ),
  ...rowsOf(
    programs('a program in a ConfigMap: '),
    'better',
    under(parent, 'configMapRef configMapRef.name configMapRef.key configMapRef.namespace'),
    'one that is not there refuses the images and says so; the original drops the policy',
  ),
  ...rowsOf(
    programs('a program at a URL: '),
    'better',
    under(parent, 'remote remote.url remote.sha256sum'),
    'one that cannot be had, or has another digest, refuses the images and says so; the original drops the policy',
  ),
];

const POLICY_ROWS: readonly Row[] = [
  ...rowsOf(reviewed('an object without a spec'), 'same', ['spec']),
  ...rowsOf(cases('no images'), 'same', ['spec.images', 'spec.images[]']),
  ...rowsOf(
    proof('test/core/policy/image-glob.test.ts')('a glob that can never match says why'),
    'better',
    ['spec.images[].glob'],
    'the same globs; one that can match no image at admission draws a warning; IPv6 registries can be named',
  ),
  ...rowsOf(oracle('warn mode'), 'same', ['spec.mode']),
  ...rowsOf(decided('match [${match}]'), 'same', [
    'spec.match',
    ...under(
      'spec.match[]',
      ' group resource version selector selector.matchLabels selector.matchExpressions selector.matchExpressions[] ' +
        'selector.matchExpressions[].key selector.matchExpressions[].operator selector.matchExpressions[].values ' +
        'selector.matchExpressions[].values[]',
    ),
  ]),
  ...rowsOf(oracle('alice or key'), 'same', ['spec.authorities', AUTHORITY]),
  ...rowsOf(oracle('condition kept'), 'same', [`${AUTHORITY}.name`]),
  ...rowsOf(oracle('logged key'), 'same', under(`${AUTHORITY}.key`, ' data')),
  ...rowsOf(
    oracle('SHA-512 key'),
    'same',
    [`${AUTHORITY}.key.hashAlgorithm`],
    'but for sha224, with which nothing signs: refused',
  ),
  ...rowsOf(
    referred('a key in a Secret: '),
    'better',
    under(`${AUTHORITY}.key`, 'secretRef secretRef.name'),
    'one that is not there refuses the images and says so; the original drops the policy',
  ),
  ...rowsOf(cases('a Secret of another namespace'), 'same', [`${AUTHORITY}.key.secretRef.namespace`]),
  ...rowsOf(
    referred('a key in a KMS: '),
    'better',
    [`${AUTHORITY}.key.kms`],
    'a key service that is down is no finding against the image (503); the original drops the policy',
  ),
  ...rowsOf(
    oracle('another issuer'),
    'same',
    under(`${AUTHORITY}.keyless`, ' identities identities[] identities[].issuer identities[].subject'),
  ),
  ...rowsOf(
    oracle('a part of a name'),
    'better',
    [`${AUTHORITY}.keyless.identities[].subjectRegExp`],
    'the same meaning; without anchors it draws a warning, and `strictIdentities` makes it whole-string',
  ),
  ...rowsOf(
    parsed('patterns match any part of the text'),
    'better',
    [`${AUTHORITY}.keyless.identities[].issuerRegExp`],
    'the same meaning; without anchors it draws a warning, and `strictIdentities` makes it whole-string',
  ),
  ...rowsOf(cases('keyless with url and ca-cert'), 'same', [`${AUTHORITY}.keyless.url`]),
  ...rowsOf(
    cases('keyless with an empty ca-cert'),
    'better',
    under(`${AUTHORITY}.keyless.ca-cert`, ' data kms hashAlgorithm secretRef secretRef.name secretRef.namespace'),
    'valid and never satisfied, as in the original, with a warning that says so: name a TrustRoot',
  ),
  ...rowsOf(referred('a TrustRoot stands in for the trusted root'), 'same', [`${AUTHORITY}.keyless.trustRootRef`]),
  ...rowsOf(proof(`${WEBHOOK}/webhook.test.ts`)('insecureIgnoreSCT does without the log of certificates'), 'same', [
    `${AUTHORITY}.keyless.insecureIgnoreSCT`,
  ]),
  ...rowsOf(oracle('logged key'), 'same', under(`${AUTHORITY}.ctlog`, ' url')),
  ...rowsOf(
    proof(`${WEBHOOK}/installation.test.ts`)('install, judge, status, a leftover, uninstall'),
    'better',
    [`${AUTHORITY}.ctlog.trustRootRef`],
    'is not lost without `url` when versions are converted',
  ),
  ...rowsOf(
    referred('timestamps: a policy that names an authority wants one by it'),
    'better',
    under(`${AUTHORITY}.rfc3161timestamp`, ' trustRootRef'),
    "the timestamp is required; the original lets a key's signature without one pass",
  ),
  ...rowsOf(
    parsed('every other field of an authority'),
    'same',
    [`${AUTHORITY}.signatureFormat`],
    'accepted; every format is found, whatever it says',
  ),
  ...rowsOf(
    attested('behind a prefix and in another repository'),
    'same',
    under(`${AUTHORITY}.source`, '[] [].oci [].tagPrefix'),
    'a bare registry host is refused, which the original reads as a repository of Docker Hub',
  ),
  ...rowsOf(cases('two sources'), 'same', [`${AUTHORITY}.source`]),
  ...rowsOf(
    pulled("a source's own pull secrets stand alone"),
    'same',
    under(`${AUTHORITY}.source[].signaturePullSecrets`, ' [] [].name'),
  ),
  ...rowsOf(oracle('fail or key'), 'same', under(`${AUTHORITY}.static`, ' action message')),
  ...rowsOf(attested('each has to be met'), 'same', under(`${AUTHORITY}.attestations`, ' [] [].name [].predicateType')),
  ...program(`${AUTHORITY}.attestations[].policy`),
  ...rowsOf(
    cases('an attestation that asks for more'),
    'same',
    under(`${AUTHORITY}.attestations[].policy`, 'fetchConfigFile includeSpec includeObjectMeta includeTypeMeta'),
    'refused there, in the same words',
  ),
  ...program('spec.policy'),
  ...rowsOf(
    attested("the policy's own program sees "),
    'same',
    under('spec.policy', 'fetchConfigFile includeSpec includeObjectMeta includeTypeMeta'),
  ),
  ...status,
];

const KEYS = 'spec.sigstoreKeys';
const ALL_KINDS = 'a TrustRoot stands in for the trusted root';
const SUBJECT = '[].subject [].subject.organization [].subject.commonName';
const better = 'every wrong entry is named; the original keeps the problems of the last list alone';
const TRUST_ROOT_ROWS: readonly Row[] = [
  ...rowsOf(referred('a TrustRoot of ${spec} is refused'), 'same', ['spec']),
  ...rowsOf(
    proof('test/io/tuf/archive-mirror.test.ts')('a repository at a URL'),
    'same',
    under('spec.remote', ' mirror root targets trustedRootTarget'),
    'a repository without `trusted_root.json` among its targets is not read',
  ),
  ...rowsOf(
    proof('test/io/tuf/archive-mirror.test.ts')(
      'a repository in the object is believed as far as its root vouches for it',
    ),
    'same',
    under('spec.repository', ' root targets trustedRootTarget'),
    'a repository without `trusted_root.json` among its targets is not read',
  ),
  ...rowsOf(cases('a repository without its archive'), 'same', ['spec.repository.mirrorFS']),
  ...rowsOf(referred(ALL_KINDS), 'same', [KEYS]),
  ...rowsOf(
    cases('an authority without anything'),
    'better',
    under(`${KEYS}.certificateAuthorities`, ` [] [].certChain [].uri ${SUBJECT}`),
    better,
  ),
  ...rowsOf(
    cases('a timestamp authority without anything'),
    'better',
    under(`${KEYS}.timestampAuthorities`, ` [] [].certChain [].uri ${SUBJECT}`),
    better,
  ),
  ...rowsOf(
    cases('two logs without key'),
    'better',
    under(`${KEYS}.tLogs`, ' [] [].baseURL [].hashAlgorithm [].publicKey'),
    `${better}; Ed25519 keys are read`,
  ),
  ...rowsOf(
    cases('a CT log without anything'),
    'better',
    under(`${KEYS}.ctLogs`, ' [] [].baseURL [].hashAlgorithm [].publicKey'),
    better,
  ),
  ...status,
];

function fieldsOf(name: string): readonly string[] {
  const path = resolve(import.meta.dirname, '../vectors/policy-controller/schema-fields.json');
  const all = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Record<string, string>>;
  return Object.keys(all[name] ?? {});
}

export const CLUSTER_IMAGE_POLICY_TABLES: readonly PolicyParityTable[] = [
  {
    title: 'ClusterImagePolicy, v1alpha1 and v1beta1 (policy-controller 0.13.1)',
    fields: fieldsOf('clusterimagepolicies.policy.sigstore.dev v1beta1'),
    rows: POLICY_ROWS,
  },
  {
    title: 'TrustRoot, v1alpha1 (policy-controller 0.13.1)',
    fields: fieldsOf('trustroots.policy.sigstore.dev v1alpha1'),
    rows: TRUST_ROOT_ROWS,
  },
];
