import type { Exposure } from './exposure.ts';

/** What is known about one image in one place of a workload. */
export const AUDIT_STATES = ['verified', 'exempt', 'undetermined', 'signed-untrusted', 'unsigned', 'revoked'] as const;

export type AuditState = (typeof AUDIT_STATES)[number];

/** Why nobody could tell. */
export const UNDETERMINED_CAUSES = [
  'credentials',
  /** Its registry has neither the image nor a signature of it. */
  'not-found',
  'throttled',
  'timeout',
  'registry',
  'format',
  'policy',
] as const;

export type UndeterminedCause = (typeof UNDETERMINED_CAUSES)[number];

/** Who has signed, proven: whether a policy accepts them or not. */
export interface AuditSigner {
  readonly kind: 'identity' | 'key';
  /** In words, as reports show it. */
  readonly name: string;
  /** Whether a policy passed the image by this signature; absent in snapshots of programs that did not say. */
  readonly accepted?: boolean;
  /** RFC 3339, of keys alone: when the first and the last of its signatures of this image was logged or timestamped; absent where neither. */
  readonly firstSigned?: string;
  readonly lastSigned?: string;
}

export interface AuditException {
  readonly name: string;
  readonly owner: string;
  /** RFC 3339; absent in snapshots of programs that did not say. */
  readonly from?: string;
  /** RFC 3339. */
  readonly expires: string;
}

/** What becomes of an image that nothing proves, in one place. */
export const UNPROVEN = ['refused', 'warned', 'admitted'] as const;

export type Unproven = (typeof UNPROVEN)[number];

export interface AuditEntry {
  readonly namespace: string;
  /** `Deployment web`; a file where there is no cluster. */
  readonly owner: string;
  /** `spec.containers[0].image` and so on. */
  readonly path: string;
  /** As it is written there. */
  readonly text: string;
  /** What was judged: name and digest, as far as the digest is known. */
  readonly image: string;
  /** What says which digest runs; `tag` where nothing does. */
  readonly source: 'status' | 'spec' | 'tag';
  /** Pods that run it; 0 where only a template stands ready. */
  readonly pods: number;
  readonly state: AuditState;
  /** Only where it is undetermined. */
  readonly cause?: UndeterminedCause;
  /** Code and words of what stands against it. */
  readonly code?: string;
  readonly reason?: string;
  readonly signers: readonly AuditSigner[];
  /** Policies that are about it. */
  readonly policies: readonly string[];
  readonly exception?: AuditException;
  /** What makes it worse if it is not proven; absent where nothing does. */
  readonly exposure?: readonly Exposure[];
  /** What leads to it from outside of the cluster: `Ingress shop/web`; absent where nothing is known to. */
  readonly reachedBy?: readonly string[];
  /** Whose it is, by a label or an annotation; absent where none says it. */
  readonly team?: string;
  /** What the cluster's policies would do with another image in its place that nothing proves; absent where nobody knows. */
  readonly unproven?: Unproven;
  /** RFC 3339: when a log or a timestamp authority first saw what a policy passed it by; absent where neither did. */
  readonly signed?: string;
  /** RFC 3339: when its build ended, by provenance that a policy passed it by; absent where none says it. */
  readonly built?: string;
}

/** `registry/repository@sha256:…` without the name: what two names of one image have in common. */
export function digestOf({ image }: AuditEntry): string | undefined {
  const at = image.lastIndexOf('@');
  return at < 0 ? undefined : image.slice(at + 1);
}

export function registryOf({ image }: AuditEntry): string {
  return image.split('/', 1)[0] ?? '';
}

/** Namespace and owner: what somebody is responsible for. */
export function workloadOf({ namespace, owner }: Pick<AuditEntry, 'namespace' | 'owner'>): string {
  const [kind = '', ...name] = owner.split(' ');
  return namespace === '' ? owner : `${kind} ${namespace}/${name.join(' ')}`;
}

type Place = Pick<AuditEntry, 'namespace' | 'owner' | 'path' | 'image'>;

/** By place, so that the same things stand in the same order whatever the order they were found in. Each is named once: comparisons are many. */
export function inOrderOfPlace<T extends Place>(entries: readonly T[]): readonly T[] {
  return entries
    .map((entry) => [JSON.stringify([entry.namespace, entry.owner, entry.path, entry.image]), entry] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, entry]) => entry);
}

/** The worst of several: what is known to be bad is worse than what nobody knows. */
export function worstState(states: Iterable<AuditState>): AuditState {
  let worst = 0;
  for (const state of states) worst = Math.max(worst, AUDIT_STATES.indexOf(state));
  return AUDIT_STATES[worst] ?? 'verified';
}
