import type { Repository } from '../../image/reference.ts';
import type { StringMatcher } from '../../identity/identity-pattern.ts';
import type { FulcioExtensionName } from '../../pki/fulcio-extensions.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { TrustedRoot } from '../../trust/trusted-root.ts';
import type { PublicKey } from '../../crypto/public-key.ts';
import type { KeyHash, KeySource } from '../cluster-image/cluster-image-policy.ts';
import type { PolicySecret } from '../document/signature-source.ts';
import type { Wildcard } from './wildcard.ts';

/** Who may have signed, as Kyverno says it: one key, certificates, or a keyless identity. */
export type Attestor = KeyAttestor | CertificateAttestor | KeylessAttestor;

/** `count` of the entries have to be satisfied. */
export interface AttestorSet {
  readonly count: number;
  readonly entries: readonly (Attestor | (AttestorSet & { readonly kind: 'set' }))[];
}

interface AttestorDemands {
  /** Where it stands in its policy: `attestors[0].entries[1].keys`. */
  readonly path: string;
  /** Where signatures are kept, when not beside the image. */
  readonly repository?: Repository;
  /** In front of the tags `sha256-….sig` and `.att`. */
  readonly tagPrefix?: string;
  /** Secrets with which that is opened, before those that the policy names for all. */
  readonly secrets?: readonly PolicySecret[];
  /** What the signer must have noted beside the digest: each with exactly this value. */
  readonly annotations: ReadonlyMap<string, string>;
  readonly log: LogDemand;
  /** In the place of the webhook's own. */
  readonly trustedRoot?: TrustedRoot;
}

/** `rekor` and `ctlog`. Without `rekor` a log entry is required, unlike in policy-controller. */
export interface LogDemand {
  readonly ignoresLog: boolean;
  /** Instead of the logs of the webhook's own trusted root. */
  readonly logKey?: { readonly url: string; readonly key: PublicKey };
  readonly ignoresSct: boolean;
  readonly ctLogKey?: PublicKey;
  /** A timestamp authority that has to have stamped, its root last. */
  readonly timestampChain?: readonly Certificate[];
}

export interface KeyAttestor extends AttestorDemands {
  readonly kind: 'key';
  readonly key: KeySource;
  readonly hash: KeyHash;
}

export interface CertificateAttestor extends AttestorDemands {
  readonly kind: 'certificate';
  /** Certificates that are believed without proof: the signer's has to lead to one of them. */
  readonly roots: readonly Certificate[];
}

export interface KeylessAttestor extends AttestorDemands {
  readonly kind: 'keyless';
  /** Empty: the certificate authorities of the webhook's own trusted root. */
  readonly roots: readonly Certificate[];
  /** Any of them matches any name of the certificate; empty for anybody. */
  readonly subjects: readonly IdentityPattern[];
  /** All of them match the issuer. */
  readonly issuers: readonly IdentityPattern[];
  readonly extensions: ReadonlyMap<FulcioExtensionName, Wildcard>;
}

export type IdentityPattern =
  | { readonly kind: 'wildcard'; readonly pattern: Wildcard }
  | { readonly kind: 'matcher'; readonly matcher: StringMatcher };
