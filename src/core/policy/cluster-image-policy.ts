import type { PublicKey } from '../crypto/public-key.ts';
import type { IdentityMatcher } from '../identity/identity-pattern.ts';
import type { ImageGlob } from './image-glob.ts';

/** sigstore/policy-controller's `ClusterImagePolicy`, v1alpha1 and v1beta1: which images need whose signature. */
export interface ClusterImagePolicy {
  readonly name: string;
  /** `warn` admits what it would refuse, and says so. */
  readonly mode: 'enforce' | 'warn';
  /** The policy is about images that match any of them. */
  readonly images: readonly ImageGlob[];
  /** The policy is about objects that fit any of them; about all objects when empty. */
  readonly match: readonly ResourceMatch[];
  /** One that is satisfied is enough. */
  readonly authorities: readonly Authority[];
  /** What its author should know although the policy is valid, one line each. */
  readonly warnings: readonly string[];
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

export type Authority = KeylessAuthority | KeyAuthority | StaticAuthority;

export interface KeylessAuthority {
  readonly kind: 'keyless';
  readonly name: string;
  /** Any of them. */
  readonly identities: readonly IdentityMatcher[];
}

export interface KeyAuthority {
  readonly kind: 'key';
  readonly name: string;
  readonly key: PublicKey;
  /** The signature must be in a transparency log: the authority has a `ctlog`. Without one a key needs no log. */
  readonly requiresLog: boolean;
}

/** Decides without looking at signatures. */
export interface StaticAuthority {
  readonly kind: 'static';
  readonly name: string;
  readonly action: 'pass' | 'fail';
  readonly message: string;
}
