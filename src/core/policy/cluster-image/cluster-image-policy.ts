import type { PublicKey } from '../../crypto/public-key.ts';
import type { IdentityMatcher } from '../../identity/identity-pattern.ts';
import type { ImageGlob } from '../document/image-glob.ts';
import type { PolicyRevision } from '../document/policy-revision.ts';
import type { SignatureSource } from '../document/signature-source.ts';

/** sigstore/policy-controller's `ClusterImagePolicy`, v1alpha1 and v1beta1: which images need whose signature. */
export interface ClusterImagePolicy {
  readonly name: string;
  /** Of an `ImagePolicy`: it is about objects of this namespace, and tightens what the cluster's policies say. */
  readonly namespace?: string;
  /** `warn` admits what it would refuse, and says so. */
  readonly mode: 'enforce' | 'warn';
  /** The policy is about images that match any of them. */
  readonly images: readonly ImageGlob[];
  /** The policy is about objects that fit any of them; about all objects when empty. */
  readonly match: readonly ResourceMatch[];
  /** One that is satisfied is enough. */
  readonly authorities: readonly Authority[];
  /** `spec.policy`: asked about what the satisfied authorities have proven, once one is satisfied. */
  readonly condition?: PolicyCondition;
  /** What its author should know although the policy is valid, one line each. */
  readonly warnings: readonly string[];
  /** Absent where no document stands behind the policy. */
  readonly revision?: PolicyRevision;
}

export interface ResourceMatch {
  readonly group: string;
  /** Exact, or `*`. */
  readonly version: string;
  /** Lower-case plural. */
  readonly resource: string;
  /** Labels of the object itself, never of a pod template in it. */
  readonly selector: LabelSelector | undefined;
}

/** metav1.LabelSelector: everything in it must hold. */
export interface LabelSelector {
  readonly matchLabels: ReadonlyMap<string, string>;
  readonly matchExpressions: readonly LabelRequirement[];
}

export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

export type Authority = SigningAuthority | StaticAuthority;
export type SigningAuthority = KeylessAuthority | KeyAuthority;

interface SignerDemands {
  readonly name: string;
  /** Where signatures and attestations are kept, when not beside the image. */
  readonly source?: SignatureSource;
  /** `ctlog`: a transparency log must hold the signature; `trustRoot` names the TrustRoot with its keys. */
  readonly log?: { readonly trustRoot?: string };
  /** `rfc3161timestamp`: a timestamp of that TrustRoot's authorities must witness the time; no log is then asked for. */
  readonly timestamp?: { readonly trustRoot?: string };
  /** When there are any, each must be met, and the signature of the image itself is not asked for. */
  readonly attestations: readonly AttestationDemand[];
}

export interface KeylessAuthority extends SignerDemands {
  readonly kind: 'keyless';
  /** Any of them. */
  readonly identities: readonly IdentityMatcher[];
  /** The TrustRoot whose certificate authorities and CT logs count, instead of the webhook's own trusted root. */
  readonly trustRoot?: string;
  /** `insecureIgnoreSCT`: the certificate need not have been logged. */
  readonly ignoresSct: boolean;
  /** `ca-cert` in the place of `url`: valid, and never satisfied, as in the original. */
  readonly namesCaCert: boolean;
}

export interface KeyAuthority extends SignerDemands {
  readonly kind: 'key';
  readonly key: KeySource;
  /** Of the signed bytes. Ed25519 has no choice. */
  readonly hash: KeyHash;
}

export type KeyHash = 'sha224' | 'sha256' | 'sha384' | 'sha512';

export type KeySource =
  | { readonly kind: 'data'; readonly key: PublicKey }
  /**
   * A Secret with a public key in PEM: its only entry, or the one that is named; in the controller's own namespace, or the
   * one that is named.
   */
  | { readonly kind: 'secret'; readonly name: string; readonly namespace?: string; readonly entry?: string }
  | { readonly kind: 'kms'; readonly uri: string };

/** Met by any proven attestation of the type that the program, if there is one, finds compliant. */
export interface AttestationDemand {
  readonly name: string;
  /** As written, which may be a short name. */
  readonly predicateType: string;
  /** As statements say it. */
  readonly predicateUri: string;
  readonly program?: PolicyProgram;
}

/** A policy in CUE or Rego. */
export interface PolicyProgram {
  readonly language: 'cue' | 'rego';
  readonly source: ProgramSource;
}

export type ProgramSource =
  | { readonly kind: 'data'; readonly text: string }
  /** In the controller's own namespace. */
  | { readonly kind: 'configMap'; readonly name: string; readonly key: string }
  /** `sha256` is the lower-case hexadecimal digest that the body must have. */
  | { readonly kind: 'remote'; readonly url: string; readonly sha256: string };

export interface PolicyCondition {
  readonly program: PolicyProgram;
  /** What the program gets to see beside the authorities' results. */
  readonly fetchConfigFile: boolean;
  readonly includeSpec: boolean;
  readonly includeObjectMeta: boolean;
  readonly includeTypeMeta: boolean;
}

/** Decides without looking at signatures. */
export interface StaticAuthority {
  readonly kind: 'static';
  readonly name: string;
  readonly action: 'pass' | 'fail';
  readonly message: string;
}
