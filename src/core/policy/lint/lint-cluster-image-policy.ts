import { lintIdentity } from '../../identity/pattern-lint.ts';
import type {
  ClusterImagePolicy,
  KeyAuthority,
  KeylessAuthority,
  SigningAuthority,
} from '../cluster-image/cluster-image-policy.ts';
import { findingOfPattern, type PolicyFinding } from './policy-finding.ts';

/** Globs that are about every image there is. */
const EVERYTHING: readonly string[] = ['**', '*/**', '**/*', '**@*', '**@**'];

/** What is valid in a `ClusterImagePolicy` or `ImagePolicy`, and likely to be meant otherwise. */
export function lintClusterImagePolicy(policy: ClusterImagePolicy): readonly PolicyFinding[] {
  const subject = `${policy.namespace === undefined ? 'ClusterImagePolicy' : 'ImagePolicy'} ${policy.name}`;
  const found = [
    ...globs(policy),
    ...matches(policy),
    ...authorities(policy),
    ...(policy.mode === 'warn'
      ? [
          finding(
            'warn-mode',
            'note',
            'spec.mode',
            'it only warns, and refuses nothing',
            'mode: enforce, once sealwright policy plan passes',
          ),
        ]
      : []),
  ].map((each) => ({ ...each, subject }));
  // The parser's own warnings, where nothing more exact is said about the place.
  const others = policy.warnings.flatMap((text): readonly PolicyFinding[] => {
    const [path = ''] = text.split(' ');
    const isPath = path.startsWith('spec.');
    return found.some((each) => isPath && each.path === path)
      ? []
      : [{ rule: 'policy-warning', level: 'warning', subject, path: isPath ? path : '', message: text }];
  });
  return [...found, ...others];
}

function finding(
  rule: string,
  level: PolicyFinding['level'],
  path: string,
  message: string,
  instead?: string,
): PolicyFinding {
  return { rule, level, path, message, ...(instead === undefined ? {} : { instead }) };
}

function globs({ images }: ClusterImagePolicy): readonly PolicyFinding[] {
  return images.flatMap((glob, index) => {
    const path = `spec.images[${index}].glob`;
    const { text, futility } = glob;
    if (futility !== undefined) {
      const rule = /:[^/@]+$/.test(text) ? 'glob-ends-in-tag' : 'glob-covers-nothing';
      return [finding(rule, 'error', path, `${text} matches no image at admission: ${futility}`)];
    }
    if (EVERYTHING.includes(text)) {
      return [
        finding('glob-covers-everything', 'note', path, `${text} is every image, those of the cluster itself included`),
      ];
    }
    return /(^|[^*])\*\*?[^/]*\//.test(text.split('/', 1)[0] ?? '') || /^\*+[^/]*\//.test(text)
      ? [
          finding(
            'glob-covers-any-registry',
            'warning',
            path,
            `${text} is about images of any registry`,
            'the registry by its name',
          ),
        ]
      : [];
  });
}

function matches({ match }: ClusterImagePolicy): readonly PolicyFinding[] {
  return match.flatMap(({ version, resource }, index) => {
    const path = `spec.match[${index}]`;
    if (version === '') {
      return [
        finding('match-fits-nothing', 'error', path, 'it names no version, and so fits no object', 'version: v1'),
      ];
    }
    if (resource === '')
      return [finding('match-fits-nothing', 'error', path, 'it names no resource, and so fits no object')];
    return resource === 'pods'
      ? []
      : [
          finding(
            'match-misses-pods',
            'warning',
            path,
            `it is about ${resource} alone: the pods that they make, and those made by hand, are not looked at by it`,
            'an entry for pods beside it',
          ),
        ];
  });
}

function authorities(policy: ClusterImagePolicy): readonly PolicyFinding[] {
  const passing = policy.authorities.find((authority) => authority.kind === 'static' && authority.action === 'pass');
  const idle = policy.authorities.some(({ kind }) => kind !== 'static');
  return policy.authorities.flatMap((authority, index) => {
    const path = `spec.authorities[${index}]`;
    if (authority.kind !== 'static') return signing(authority, path, policy);
    if (authority !== passing) return [];
    const message = idle
      ? 'one authority is enough, and this one passes every image unseen: the others decide nothing'
      : 'it passes every image that the policy is about, unseen';
    return [
      finding(
        'static-pass',
        idle ? 'error' : 'warning',
        `${path}.static`,
        message,
        'an authority that wants a signature',
      ),
    ];
  });
}

function signing(authority: SigningAuthority, path: string, policy: ClusterImagePolicy): readonly PolicyFinding[] {
  return [
    ...(authority.kind === 'key' ? key(authority, path) : keyless(authority, path, policy)),
    ...attestations(authority, path),
  ];
}

function key({ log, timestamp }: KeyAuthority, path: string): readonly PolicyFinding[] {
  return [
    finding(
      'long-lived-key',
      'warning',
      `${path}.key`,
      'a key lives long: whoever gets hold of it signs until it is taken out of the policy',
      'a keyless identity, or a key in a KMS that is exchanged',
    ),
    ...(log === undefined && timestamp === undefined
      ? [
          finding(
            'key-without-log',
            'warning',
            path,
            'no log entry is asked for: what a stolen key signs is seen nowhere, and nothing says when',
            'ctlog: {url: …}, with signatures that are logged',
          ),
        ]
      : []),
  ];
}

function keyless(
  authority: KeylessAuthority,
  path: string,
  { condition }: ClusterImagePolicy,
): readonly PolicyFinding[] {
  const { identities, trustRoot, log, timestamp, ignoresSct, namesCaCert } = authority;
  const source = condition?.program.source;
  // A program of the policy's own may bind the caller; what one elsewhere says is not known here.
  const isBound =
    source !== undefined && (source.kind !== 'data' || /githubWorkflow(Repo|Ref|Sha|Name)/.test(source.text));
  return [
    ...identities.flatMap((identity, index) =>
      lintIdentity(identity)
        .filter(({ name }) => name !== 'reusable-workflow' || !isBound)
        .map((each) => {
          const isPattern = identity[each.part].kind === 'regexp';
          const at = `${path}.keyless.identities[${index}].${each.part}${isPattern ? 'RegExp' : ''}`;
          return findingOfPattern(each, '', at);
        }),
    ),
    ...(namesCaCert
      ? [
          finding(
            'ca-cert',
            'error',
            `${path}.keyless.ca-cert`,
            'nothing satisfies it',
            'keyless.trustRootRef, with a TrustRoot',
          ),
        ]
      : []),
    ...(ignoresSct
      ? [
          finding(
            'ignores-sct',
            'warning',
            `${path}.keyless.insecureIgnoreSCT`,
            'certificates need not have been logged',
          ),
        ]
      : []),
    ...(trustRoot !== undefined && log === undefined && timestamp === undefined
      ? [
          finding(
            'no-time',
            'error',
            `${path}.keyless.trustRootRef`,
            'neither a log nor a timestamp is asked for, so that signatures pass only while their certificate is valid, some ten minutes',
            `ctlog: {url: …, trustRootRef: ${trustRoot}}`,
          ),
        ]
      : []),
  ];
}

function attestations({ attestations: demands }: SigningAuthority, path: string): readonly PolicyFinding[] {
  if (demands.length === 0) return [];
  return [
    finding(
      'image-signature-not-asked',
      'note',
      `${path}.attestations`,
      'with attestations the signature of the image itself is not asked for',
    ),
    ...demands.flatMap(({ name, program }, index) =>
      program === undefined
        ? [
            finding(
              'attestation-by-presence',
              'note',
              `${path}.attestations[${index}]`,
              `any attestation ${name} of that type passes, whatever it says`,
              'a policy in CUE or Rego about its predicate',
            ),
          ]
        : [],
    ),
  ];
}
