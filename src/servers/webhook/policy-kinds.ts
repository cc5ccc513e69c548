import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import { clusterImageAdmission } from '../../core/policy/judgement/cluster-image-admission.ts';
import type { PolicyExceptions } from '../../core/policy/kyverno/policy-exception.ts';
import { parsePolicyException } from '../../core/policy/kyverno/policy-exception-parser.ts';
import { readStoredKyvernoPolicy } from '../../core/policy/kyverno-judgement/stored-kyverno-policy.ts';
import { readStoredPolicy } from '../../core/policy/cluster-image/stand-in-policy.ts';
import { SealwrightError } from '../../errors.ts';
import type { WatchedKind } from './kind-watch.ts';

/** A kind of policies, and how an object of it becomes policies. */
export interface PolicyKind extends WatchedKind {
  readonly kindName: string;
  /** @returns the error too where the policies stand for one that cannot be used */
  readonly read: (name: string, whole: JsonObject) => ReadPolicies;
}

/** What an object comes to. */
export interface ReadPolicies {
  readonly policies: readonly AdmissionPolicy[];
  readonly exceptions?: PolicyExceptions;
  readonly error?: SealwrightError;
}

export const CLUSTER_IMAGE_POLICIES: PolicyKind = {
  kindName: 'ClusterImagePolicy',
  resource: 'clusterimagepolicies',
  apiVersions: ['policy.sigstore.dev/v1beta1'],
  isOptional: false,
  read: (name, whole) => {
    const { policy, error } = readStoredPolicy(name, whole);
    return { policies: [clusterImageAdmission(policy)], ...(error === undefined ? {} : { error }) };
  },
};

/** A cluster without Kyverno's definitions has none of them. */
export const KYVERNO_POLICIES: readonly PolicyKind[] = [
  kyverno('ClusterPolicy', 'clusterpolicies', ['kyverno.io/v1']),
  kyverno('Policy', 'policies', ['kyverno.io/v1']),
  kyverno('ImageValidatingPolicy', 'imagevalidatingpolicies', [
    'policies.kyverno.io/v1',
    'policies.kyverno.io/v1beta1',
  ]),
  kyverno('NamespacedImageValidatingPolicy', 'namespacedimagevalidatingpolicies', [
    'policies.kyverno.io/v1',
    'policies.kyverno.io/v1beta1',
  ]),
];

/** Every kind of policies that a cluster may have. @param systemNamespace where exceptions from Kyverno's count */
export function policyKinds(systemNamespace: string): readonly PolicyKind[] {
  return [CLUSTER_IMAGE_POLICIES, ...KYVERNO_POLICIES, ...kyvernoExceptions(systemNamespace)];
}

/**
 * Exceptions from Kyverno's policies, in one namespace: whoever may write into another may not let anything off. One that is not
 * valid lets nothing off.
 */
export function kyvernoExceptions(namespace: string): readonly PolicyKind[] {
  const read: PolicyKind['read'] = (name, whole) => {
    if (!name.startsWith(`${namespace}/`)) return { policies: [] };
    try {
      return {
        policies: [],
        exceptions: parsePolicyException(new JsonFields(whole, `exception ${name}`, 'FORMAT_POLICY')),
      };
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      return { policies: [], error };
    }
  };
  const common = { kindName: 'PolicyException', resource: 'policyexceptions', isOptional: true, read };
  return [
    { ...common, apiVersions: ['kyverno.io/v2'] },
    { ...common, apiVersions: ['policies.kyverno.io/v1', 'policies.kyverno.io/v1beta1'] },
  ];
}

function kyverno(kindName: string, resource: string, apiVersions: readonly string[]): PolicyKind {
  return {
    kindName,
    resource,
    apiVersions,
    isOptional: true,
    read: (_name, whole) => readStoredKyvernoPolicy(whole),
  };
}
