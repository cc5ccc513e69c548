import type { JsonObject } from '../../encoding/json.ts';
import type { IdentityMatcher, StringMatcher } from '../../identity/identity-pattern.ts';
import { lossList, type Converted, type Lose } from './conversion-loss.ts';
import type {
  ClusterImagePolicy,
  KeyAuthority,
  KeylessAuthority,
  KeySource,
} from '../cluster-image/cluster-image-policy.ts';

/** Kinds by the resources that a `match` may name. */
const KINDS: Readonly<Record<string, string>> = {
  pods: 'Pod',
  replicasets: 'ReplicaSet',
  deployments: 'Deployment',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  jobs: 'Job',
  cronjobs: 'CronJob',
};
const AUTOGEN = 'pod-policies.kyverno.io/autogen-controllers';
const PUBLIC_LOG = 'https://rekor.sigstore.dev';

/**
 * A `ClusterImagePolicy` as Kyverno's `ClusterPolicy`, an `ImagePolicy` as its `Policy`, with one `verifyImages` entry: its authorities become the entries of one set of
 * attestors of which one suffices. Everything that Kyverno cannot say is named.
 *
 * @param logUrl       the log that keyless signatures are in, which Kyverno wants to be told
 * @param systemNamespace where the Secrets are that policy-controller reads
 */
export function kyvernoForm(
  policy: ClusterImagePolicy,
  { logUrl = PUBLIC_LOG, systemNamespace }: { readonly logUrl?: string | undefined; readonly systemNamespace: string },
): Converted {
  const { losses, lose } = lossList();
  const imageReferences = policy.images.flatMap(({ text }, index) =>
    patternsFor(text, `spec.images[${index}].glob`, lose),
  );
  const entries = policy.authorities.flatMap((authority, index): readonly JsonObject[] => {
    const path = `spec.authorities[${index}]`;
    if (authority.kind === 'static') {
      if (authority.action === 'pass') {
        lose(`${path}.static`, 'an authority that passes every image unseen', 'tighter', 'no rule about those images');
      } else if (policy.authorities.length === 1) {
        lose(`${path}.static`, 'a refusal', 'looser', 'a rule with validate.deny');
      }
      return [];
    }
    if (authority.attestations.length > 0) {
      const instead = 'attestations[] of a rule, with conditions';
      lose(`${path}.attestations`, 'attestations, with the programs that judge them', 'tighter', instead);
      return [];
    }
    if (authority.source?.tagPrefix !== undefined)
      lose(`${path}.source`, 'a prefix of the tags of signatures', 'tighter', 'tagPrefix of an ImageValidatingPolicy');
    if ((authority.source?.pullSecrets.length ?? 0) > 0)
      lose(`${path}.source`, 'pull secrets of the signatures', 'tighter', 'imageRegistryCredentials.secrets');
    if (authority.timestamp !== undefined) {
      const instead = 'ctlog.tsaCertChain, with rekor.ignoreTlog';
      lose(`${path}.rfc3161timestamp`, 'the timestamp authority, in the place of a log', 'tighter', instead);
      return [];
    }
    if (authority.kind === 'key' && authority.log?.trustRoot !== undefined) {
      lose(
        `${path}.ctlog`,
        `the log of the TrustRoot ${authority.log.trustRoot}`,
        'tighter',
        'rekor.pubkey with its key',
      );
    }
    const repository = authority.source?.repository;
    const common = repository === undefined ? {} : { repository: `${repository.registry}/${repository.repository}` };
    const signers =
      authority.kind === 'key'
        ? keyEntries(authority, systemNamespace, logUrl)
        : keylessEntries(authority, path, logUrl, lose);
    return signers.map((entry) => ({ ...entry, ...common }));
  });
  if (policy.condition !== undefined) {
    lose('spec.policy', "the policy's own program", 'looser', 'count of a set, additionalExtensions, or conditions');
  }
  if (entries.length === 0 || imageReferences.length === 0) return { documents: [], losses };
  const isWarning = policy.mode === 'warn';
  // Kyverno makes rules for the controllers of pods of one about pods, which a match of its own does not mean.
  const own = policy.match.length === 0 ? {} : { annotations: { [AUTOGEN]: 'none' } };
  return {
    documents: [
      {
        apiVersion: 'kyverno.io/v1',
        ...(policy.namespace === undefined
          ? { kind: 'ClusterPolicy', metadata: { name: policy.name, ...own } }
          : {
              kind: 'Policy',
              metadata: { name: policy.name.split('/')[1] ?? '', namespace: policy.namespace, ...own },
            }),
        spec: {
          rules: [
            {
              name: 'signed',
              match: { any: matchFor(policy, lose) },
              verifyImages: [
                {
                  imageReferences: [...imageReferences],
                  failureAction: isWarning ? 'Audit' : 'Enforce',
                  // What only audits must not change the object either.
                  ...(isWarning ? { mutateDigest: false } : {}),
                  attestors: [{ count: 1, entries: [...entries] }],
                },
              ],
            },
          ],
        },
      },
    ],
    losses,
  };
}

/** Kyverno sees the tag where there is no digest yet; one star of its is any text, slashes included. */
export function patternsFor(glob: string, path: string, lose: Lose): readonly string[] {
  if (glob === '*' || glob === '*/*') {
    lose(path, `${glob}, which means Docker Hub`, 'looser', 'docker.io/*');
    return [];
  }
  if (/(^|[^*])\*([^*]|$)/.test(glob.replace(/@\*+$/, ''))) {
    lose(path, `that * stops at a slash in ${glob}: the pattern is about more images`, 'tighter');
  }
  if (glob.includes('@') && !/@\*+$/.test(glob)) {
    lose(
      path,
      `that a tag is resolved before ${glob} is compared: an image named by its tag is not looked at`,
      'looser',
    );
  }
  const named = glob.replace(/^index\.docker\.io\/(library\/)?/, 'docker.io/').replaceAll(/\*+/g, '*');
  return named.endsWith('@*') ? [`${named.slice(0, -2)}:*`, named] : [named];
}

function matchFor({ match }: ClusterImagePolicy, lose: Lose): JsonObject[] {
  if (match.length === 0) return [{ resources: { kinds: ['Pod'] } }];
  return match.map(({ resource, version, selector }, index) => {
    if (version === '') lose(`spec.match[${index}]`, 'that it fits no object, as it names no version', 'tighter');
    if (selector === undefined) return { resources: { kinds: [KINDS[resource] ?? resource] } };
    const expressions = selector.matchExpressions.map(({ key, operator, values }) => ({
      key,
      operator,
      ...(values.length === 0 ? {} : { values: [...values] }),
    }));
    const labels = Object.fromEntries(selector.matchLabels);
    return {
      resources: {
        kinds: [KINDS[resource] ?? resource],
        selector: { matchLabels: labels, ...(expressions.length === 0 ? {} : { matchExpressions: expressions }) },
      },
    };
  });
}

/** Kyverno wants a log entry unless it is told not to; policy-controller the other way round. */
function keyEntries({ key, hash, log }: KeyAuthority, systemNamespace: string, logUrl: string): readonly JsonObject[] {
  const rekor = log === undefined ? { ignoreTlog: true } : { url: logUrl };
  return [{ keys: { ...keySource(key, systemNamespace), signatureAlgorithm: hash, rekor } }];
}

function keySource(key: KeySource, systemNamespace: string): JsonObject {
  if (key.kind === 'data') return { publicKeys: key.key.toPem() };
  return key.kind === 'kms' ? { kms: key.uri } : { secret: { name: key.name, namespace: systemNamespace } };
}

function keylessEntries(
  { identities, trustRoot, ignoresSct, namesCaCert, log }: KeylessAuthority,
  path: string,
  logUrl: string,
  lose: Lose,
): readonly JsonObject[] {
  if (namesCaCert) lose(`${path}.keyless.ca-cert`, 'an authority that nothing satisfies', 'tighter');
  if (namesCaCert) return [];
  if (trustRoot !== undefined || log?.trustRoot !== undefined) {
    lose(
      `${path}.keyless.trustRootRef`,
      'the TrustRoot: Kyverno goes by its own trust',
      'tighter',
      'roots, rekor.pubkey and ctlog.pubkey of the attestor',
    );
    return [];
  }
  const ctlog = ignoresSct ? { ctlog: { ignoreSCT: true } } : {};
  return identities.map((identity) => ({ keyless: { ...identityFor(identity), rekor: { url: logUrl }, ...ctlog } }));
}

export function identityFor({ issuer, subject }: IdentityMatcher): JsonObject {
  return { ...matcherFor('issuer', issuer), ...matcherFor('subject', subject) };
}

/** Kyverno's texts are wildcards: one that has a star or a question mark of its own is said as a pattern. */
function matcherFor(part: 'issuer' | 'subject', matcher: StringMatcher): JsonObject {
  if (matcher.kind === 'regexp') {
    return { [`${part}RegExp`]: matcher.strict ? `^(?:${matcher.source})$` : matcher.source };
  }
  if (!/[*?]/.test(matcher.value)) return { [part]: matcher.value };
  const escaped = matcher.value.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return { [`${part}RegExp`]: `^${escaped}$` };
}
