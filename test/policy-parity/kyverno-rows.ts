/**
 * Kyverno's policies and exceptions, field by field. Its schemas repeat themselves (`match` and `exclude`, each with `any` and `all`),
 * so a row is a pattern here, and the first that fits a field is the field's.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ParityProof, ParityRow } from '../parity/parity-table.ts';
import type { PolicyParityTable, PolicyVerdict } from './cluster-image-policy-rows.ts';

type Rule = readonly [pattern: RegExp, verdict: PolicyVerdict, proof: ParityProof, how?: string];

const proof =
  (file: string) =>
  (test: string): ParityProof => ({ file, test });
const parsed = proof('test/core/policy/kyverno-policy.test.ts');
const conditioned = proof('test/servers/webhook/kyverno-conditions.test.ts');
const ruled = proof('test/servers/webhook/kyverno-rules.test.ts');
const oracle = proof('test/servers/webhook/kyverno-oracle.test.ts');
const validated = proof('test/servers/webhook/kyverno-validating.test.ts');
const validatedOracle = proof('test/servers/webhook/kyverno-validating-oracle.test.ts');
const opened = proof('test/servers/webhook/kyverno-credentials.test.ts');
const mapped = proof('test/servers/webhook/kyverno-config-maps.test.ts');
const plain = proof('test/servers/webhook/plain-http.test.ts');
const excepted = proof('test/core/policy/kyverno-exceptions.test.ts');
const JUDGED = oracle('verifyImages rules are judged as Kyverno judges them');
const CEL_JUDGED = validatedOracle('ImageValidatingPolicies are judged as Kyverno judges them');
const REFUSED = parsed('refused by name: ');
const CEL_REFUSED = validated('refused by name: ');

/** `match`, `exclude`, and the selectors in them. */
const MATCHING: readonly Rule[] = [
  [/\.(roles|clusterRoles)(\[\])?$/, 'refused', REFUSED, 'who has a role is not in an admission review'],
  [
    /\.(match|exclude)(\.(any|all))?(\[\])?(\.(resources|subjects)\b.*)?$/,
    'same',
    parsed('a rule with ${match}'),
    'what is not known makes no rule smaller',
  ],
];

const RULES: readonly Rule[] = [
  ...MATCHING,
  [/^spec$|^spec\.rules(\[\])?(\.name|\.verifyImages(\[\])?)?$/, 'same', JUDGED],
  [
    /\.rules\[\]\.(validate|mutate|generate)$/,
    'refused',
    REFUSED,
    'only `verifyImages` rules are decided here; Kyverno goes on deciding the others',
  ],
  [/\.rules\[\]\.(celPreconditions|imageExtractors)$/, 'refused', REFUSED, 'nothing is looked up for a rule'],
  [
    /\.context\[\]\.(apiCall|globalReference|imageRegistry)$/,
    'refused',
    REFUSED,
    'nobody is asked for a decision; the refusal says what to do instead',
  ],
  [
    /\.context\[\]\.configMap(\.\w+)?$/,
    'same',
    mapped('keys from ConfigMaps are judged as Kyverno judges them, given the same values'),
    'read when it is needed, with a right that is given for each; one that cannot be had makes `COULD_NOT_CHECK`',
  ],
  [
    /\.rules\[\]\.context(\[\](\.(name|variable(\.\w+)?))?)?$/,
    'same',
    conditioned('variables of a rule, and images, are what they are for Kyverno'),
    'an entry may name those before it; names that mean something else already, or are there twice, are refused',
  ],
  [
    /\.rules\[\]\.preconditions(\..*)?$/,
    'same',
    conditioned('a rule is skipped where its preconditions do not hold'),
    'the registry is asked all the same, and a tag is pinned',
  ],
  [
    /\.rules\[\]\.(skipBackgroundRequests|reportProperties)$/,
    'same',
    parsed('what only says how Kyverno runs'),
    'accepted, without effect: there are no background requests and no reports',
  ],
  [
    /^spec\.(admission|applyRules)$/,
    'refused',
    parsed('refused by name: '),
    'a policy is for admission, and all of its rules are applied; what says so is accepted',
  ],
  [
    /^spec\.webhookConfiguration\.matchConditions$/,
    'refused',
    REFUSED,
    "conditions on the request belong to this webhook's own configuration",
  ],
  [
    /^spec\.failurePolicy$/,
    'better',
    ruled('a registry that cannot be asked is no finding'),
    'what could not be checked refuses, unless the webhook itself is told otherwise',
  ],
  [
    /^spec\.(background|emitWarning|generateExisting|generateExistingOnPolicyUpdate|mutateExistingOnPolicyUpdate|schemaValidation|useServerSideApply|webhookTimeoutSeconds|webhookConfiguration(\.\w+)?)$/,
    'same',
    parsed('what only says how Kyverno runs'),
    'accepted, without effect: it says how Kyverno runs, or is of rules of other kinds',
  ],
  [
    /^spec\.validationFailureAction(Overrides.*)?$/,
    'same',
    parsed('an override changes what happens in its namespaces'),
    '`Audit` is told to the user as a warning as well',
  ],
  [
    /\.failureAction$/,
    'same',
    ruled('an audit admits what it would refuse, and says so'),
    '`Audit` is told to the user as a warning as well',
  ],
  [
    /\.(imageReferences|skipImageReferences)(\[\])?$/,
    'better',
    parsed('is about ${image}'),
    'an image is covered under each of its names',
  ],
  [/\.verifyImages\[\]\.image$/, 'same', parsed('the form of the first version')],
  [
    /\.verifyImages\[\]\.(key|issuer|subject|roots|additionalExtensions)$/,
    'same',
    parsed('the form of the first version'),
  ],
  [/\.verifyImages\[\]\.validate$/, 'refused', REFUSED, 'its conditions ask about the request in JMESPath'],
  [
    /\.attestations\[\]\.conditions(\[\])?(\..*)?$/,
    'better',
    conditioned('conditions hold where they hold for Kyverno'),
    "variables are put in once, from the policy's text: Kyverno evaluates what a predicate brings as well",
  ],
  [
    /\.type$/,
    'better',
    ruled('bundles and older signatures are read alike'),
    'every format is found; Notary is refused by name',
  ],
  [
    /\.cosignOCI11$/,
    'better',
    parsed('what only says how Kyverno runs'),
    'what refers to an image is always looked for',
  ],
  [/\.(mutateDigest|verifyDigest)$/, 'same', ruled('a tag is replaced by its digest, or refused, or left as it is')],
  [/\.required$/, 'same', JUDGED],
  [
    /\.useCache$/,
    'same',
    parsed('what only says how Kyverno runs'),
    'accepted, without effect: evidence is kept by digest and judged again each time',
  ],
  [
    /\.allowInsecureRegistry$/,
    'same',
    plain('a policy that asks for plain HTTP gets it where the webhook allows it, and judges as ever'),
    'with `--allow-http-registry` of the webhook, for all policies; without it a registry without TLS could not be checked, which names the flag',
  ],
  [
    /\.imageRegistryCredentials\.providers(\[\])?$/,
    'same',
    parsed('credentials of a policy'),
    "accepted with a warning: the helpers of clouds are those of the webhook's own credentials",
  ],
  [
    /\.imageRegistryCredentials(\.secrets)?(\[\])?$/,
    'same',
    opened("a Secret of the webhook's namespace, and one of another, open the registry for a rule"),
    'a policy of a namespace may name Secrets of its own namespace alone',
  ],
  [/\.attestations(\[\])?(\.(name|predicateType|type))?$/, 'same', parsed('an older name of a type')],
  [
    /\.attestations\[\]\.attestors$/,
    'better',
    parsed('refused by name: '),
    'where there are none the attestation has to be by those of the rule; Kyverno takes anybody’s',
  ],
  [
    /\.attestations\[\]\.attestors.*\.attestor$/,
    'refused',
    parsed('refused by name: '),
    'Kyverno does not look into them either, and passes over what is there',
  ],
  [/\.repository$/, 'same', parsed('a repository of its own')],
  [
    /\.keyless(\.(issuer|subject|issuerRegExp|subjectRegExp))?$/,
    'better',
    JUDGED,
    'a certificate without any name is nobody’s; Kyverno then compares no subject',
  ],
  [/\.keyless\.(roots|additionalExtensions)$/, 'same', parsed('keyless in the form of the first version')],
  [
    /\.ctlog\.tsaCertChain$/,
    'better',
    parsed('logs and timestamps of its own'),
    'an authority that is named has to have stamped',
  ],
  [
    /\.(rekor|ctlog)(\.(url|pubkey|ignoreTlog|ignoreSCT))?$/,
    'same',
    parsed('logs and timestamps of its own'),
    'proofs come with the signature: a log is not asked',
  ],
  [/\.keys(\.(publicKeys|kms|secret(\.\w+)?|signatureAlgorithm))?$/, 'same', parsed('a key')],
  [/\.certificates(\.(cert|certChain))?$/, 'same', parsed('a certificate')],
  [
    /\.(attestors|entries)(\[\])?$|\.(count|attestor|annotations|signatureAlgorithm)$/,
    'same',
    parsed('the whole of an entry'),
  ],
];

const VALIDATING: readonly Rule[] = [
  [/^spec$|^spec\.validations(\[\])?(\.(expression|message|messageExpression))?$/, 'same', CEL_JUDGED],
  [
    /^spec\.validations\[\]\.reason$/,
    'same',
    validated('what changes no decision is accepted'),
    'accepted: the code of a refusal is 403',
  ],
  [/^spec\.(variables|matchConditions)\b/, 'same', CEL_JUDGED],
  [/^spec\.images\b/, 'same', validated('what changes no decision is accepted')],
  [
    /^spec\.matchConstraints\b/,
    'same',
    validated('constraints: '),
    'what is not known of what runs already makes no policy smaller',
  ],
  [/^spec\.matchImageReferences\b/, 'same', CEL_JUDGED],
  [/^spec\.validationConfigurations\b/, 'same', validated('a tag is pinned, refused or left')],
  [
    /^spec\.validationActions(\[\])?$/,
    'better',
    validated('an action other than Deny warns'),
    'an audit is told to the user as a warning',
  ],
  [
    /^spec\.failurePolicy$/,
    'better',
    validated('a registry that cannot be asked'),
    'what could not be checked refuses; match conditions go by it',
  ],
  [
    /^spec\.auditAnnotations\b/,
    'kept',
    validated('what changes no decision is accepted'),
    'accepted with a warning: the audit log gets the annotations of this webhook',
  ],
  [
    /^spec\.credentials\.allowInsecureRegistry$/,
    'better',
    validated('what changes no decision is accepted'),
    'with `--allow-http-registry` of the webhook, for all policies; without it a registry without TLS could not be checked, which names the flag',
  ],
  [
    /^spec\.credentials\.providers\b/,
    'same',
    validated('what changes no decision is accepted'),
    "accepted with a warning: the helpers of clouds are those of the webhook's own credentials",
  ],
  [
    /^spec\.credentials\b/,
    'same',
    opened('an ImageValidatingPolicy has the registry asked with its own Secrets too'),
    'a policy of a namespace may name Secrets of its own namespace alone',
  ],
  [
    /^spec\.webhookConfiguration\b/,
    'same',
    validated('what changes no decision is accepted'),
    'accepted, without effect',
  ],
  [
    /^spec\.evaluation\.background\b/,
    'same',
    validated('what changes no decision is accepted'),
    'accepted, without effect',
  ],
  [
    /^spec\.evaluation\b/,
    'refused',
    CEL_REFUSED,
    'admission to Kubernetes is what is decided; what asks for that is accepted',
  ],
  [/^spec\.autogen\b/, 'same', validated('what makes pods is looked at as the pods that it makes')],
  [/^spec\.attestations\[\]\.referrer\b/, 'refused', CEL_REFUSED, 'only in-toto statements are read'],
  [/^spec\.attestations\b/, 'same', validated('keyless signatures and attestations are what expressions ask about')],
  [/\.notary\b/, 'refused', CEL_REFUSED, 'Notary signatures are not read'],
  [/\.tuf\b/, 'refused', CEL_REFUSED, 'keys of logs and authorities are those of the webhook, or of `trustedRoot`'],
  [/\.(expression|subjectExpression)$/, 'refused', CEL_REFUSED, 'trust is written in the policy, not computed'],
  [
    /\.PullSecrets\b/,
    'better',
    opened("an attestor's own PullSecrets open where it signs, in the namespace of its policy"),
    'a policy of a namespace names those of its own; Kyverno takes its own namespace’s for it as well',
  ],
  [/\.trustedRoot\b/, 'same', validated('a trusted root of its own')],
  [
    /\.additionalExtensions$/,
    'better',
    validated('the whole of an attestor'),
    'compared; Kyverno reads and forgets them',
  ],
  [
    /\.cosign\.annotations$/,
    'better',
    CEL_JUDGED,
    'those that were signed; Kyverno compares what lies beside the signature',
  ],
  [/^spec\.attestors(\[\])?(\.\w+)*(\[\])?(\.\w+)*$/, 'same', validated('the whole of an attestor')],
];

const RULE_EXCEPTIONS: readonly Rule[] = [
  [
    /\.(roles|clusterRoles)(\[\])?$/,
    'refused',
    excepted('refused by name: '),
    'who has a role is not in an admission review',
  ],
  [/\.match\b/, 'same', parsed('a rule with ${match}'), 'what is not known of an object lets nothing off'],
  [
    /^spec\.(conditions|podSecurity)$/,
    'refused',
    excepted('refused by name: '),
    'the request is not asked about in JMESPath, and only signatures are decided here',
  ],
  [/^spec\.background$/, 'same', excepted('an exception from a rule'), 'accepted, without effect'],
  [
    /^spec$|^spec\.exceptions\b/,
    'same',
    excepted('an exception from a rule'),
    'in a cluster, those of the webhook’s own namespace',
  ],
];

const POLICY_EXCEPTIONS: readonly Rule[] = [
  [
    /^spec\.(images|allowedValues)(\[\])?$/,
    'refused',
    excepted('refused by name: '),
    'Kyverno lets no single image off such a policy either',
  ],
  [
    /^spec$|^spec\.(policyRefs|matchConditions|expiresAt)\b/,
    'same',
    excepted('an exception from a policy'),
    'in a cluster, those of the webhook’s own namespace',
  ],
  [
    /^spec\.(reportResult|evaluationMode|properties)$/,
    'same',
    excepted('an exception from a policy'),
    'accepted, without effect: there are no reports',
  ],
];

function fieldsOf(name: string): readonly string[] {
  const path = resolve(import.meta.dirname, '../vectors/kyverno/schema-fields.json');
  const all = JSON.parse(readFileSync(path, 'utf8')) as Record<string, readonly string[]>;
  return all[name] ?? [];
}

/** A field that no pattern fits has no row, which the test of the table tells. */
function table(title: string, name: string, rules: readonly Rule[]): PolicyParityTable {
  const fields = fieldsOf(name);
  const rows = fields.flatMap((field): readonly ParityRow<PolicyVerdict>[] => {
    const rule = rules.find(([pattern]) => pattern.test(field));
    if (rule === undefined) return [];
    const [, verdict, by, how] = rule;
    return [{ field, verdict, proof: by, ...(how === undefined ? {} : { how }) }];
  });
  return { title, fields, rows };
}

export const KYVERNO_TABLES: readonly PolicyParityTable[] = [
  table('ClusterPolicy and Policy, kyverno.io/v1 (Kyverno 1.19.1)', 'clusterpolicies.kyverno.io v1', RULES),
  table(
    'ImageValidatingPolicy and NamespacedImageValidatingPolicy, policies.kyverno.io/v1 (Kyverno 1.19.1)',
    'imagevalidatingpolicies.policies.kyverno.io v1',
    VALIDATING,
  ),
  table('PolicyException, kyverno.io/v2 (Kyverno 1.19.1)', 'policyexceptions.kyverno.io v2', RULE_EXCEPTIONS),
  table(
    'PolicyException, policies.kyverno.io/v1 (Kyverno 1.19.1)',
    'policyexceptions.policies.kyverno.io v1',
    POLICY_EXCEPTIONS,
  ),
];
