import { inOrderOfPlace, type AuditEntry } from './audit-entry.ts';
import type { NotAudited } from './not-audited.ts';

/**
 * What a statement of revocation would do to an image in one place: stop it; take a signature from it, of which another is left;
 * nothing, because it is revoked already; nothing; or nobody can tell.
 */
export const BLAST_EFFECTS = ['stops', 'unknown', 'stays', 'revoked-already', 'untouched'] as const;

export type BlastEffect = (typeof BLAST_EFFECTS)[number];

export interface BlastEntry extends Pick<AuditEntry, 'namespace' | 'owner' | 'path' | 'image' | 'source'> {
  /** Pods that run it; 0 where only a template stands ready. */
  readonly pods: number;
  readonly effect: BlastEffect;
  /** Code and words of what would stand against it, or of why nobody can tell. */
  readonly code?: string;
  readonly reason?: string;
  /** Whose signatures would not count any more, and whose still would. */
  readonly lost: readonly string[];
  readonly left: readonly string[];
}

export interface BlastRadius {
  /** By place. */
  readonly entries: readonly BlastEntry[];
  readonly notLookedAt: readonly NotAudited[];
}

/** Which pods must never be stopped by the way: a cluster without them cannot be repaired. */
export interface Protected {
  /** What to name to stop it all the same. */
  readonly name: string;
  readonly why: string;
  readonly entries: readonly BlastEntry[];
}

/** @param now,then the same place as it is judged today, and under the statement */
export function blastEntry(now: AuditEntry, then: AuditEntry): BlastEntry {
  const { namespace, owner, path, image, source, pods } = now;
  const names = then.signers.map(({ name }) => name);
  const lost = now.signers.map(({ name }) => name).filter((name) => !names.includes(name));
  const effect = effectOf(now, then, lost.length > 0);
  const told = effect === 'unknown' && now.state === 'undetermined' ? now : then;
  const isTold = effect === 'stops' || effect === 'unknown';
  return {
    ...{ namespace, owner, path, image, source, pods, effect },
    ...(isTold && told.code !== undefined ? { code: told.code } : {}),
    ...(isTold && told.reason !== undefined ? { reason: told.reason } : {}),
    lost,
    left: names,
  };
}

/** What passes today and would not, and what would be revoked that is not: also where nothing keeps it out today but habit. */
function effectOf(now: AuditEntry, then: AuditEntry, hasLost: boolean): BlastEffect {
  if (now.state === 'revoked') return then.state === 'revoked' ? 'revoked-already' : 'untouched';
  if (then.state === 'revoked') return 'stops';
  if (now.state === 'undetermined' || then.state === 'undetermined') return 'unknown';
  const passes = now.state === 'verified' || now.state === 'exempt';
  if (passes && then.state !== 'verified' && then.state !== 'exempt') return 'stops';
  return hasLost ? 'stays' : 'untouched';
}

/** Containers: each pod's is one, and a template's, which the next pod would be made of, is one as well. */
export function containersOf(entries: readonly BlastEntry[], effect: BlastEffect): number {
  return entries.filter((entry) => entry.effect === effect).reduce((sum, { pods }) => sum + Math.max(pods, 1), 0);
}

/**
 * What would stop, as one word: `14` containers; `14+3` where beside them three were not looked at, or nobody could
 * tell. A number that leaves out what it does not know would be taken for all.
 */
export function countDemanded({ entries, notLookedAt }: BlastRadius): string {
  const unknown = containersOf(entries, 'unknown') + notLookedAt.length;
  const stops = String(containersOf(entries, 'stops'));
  return unknown === 0 ? stops : `${stops}+${unknown}`;
}

/**
 * What a cluster needs to be repaired, of that which would stop: the system's own namespace, the webhook's, and those of registries
 * that the cluster itself runs.
 */
export function protectedIn({ entries }: BlastRadius, webhookNamespace: string): readonly Protected[] {
  const stops = entries.filter(({ effect }) => effect === 'stops');
  const why = new Map([
    ...entries.map(({ image }) => registryNamespace(image)).map((name) => [name, 'it runs the registry'] as const),
    [webhookNamespace, 'the webhook runs there'] as const,
    ['kube-system', 'the cluster itself runs there'] as const,
  ]);
  return [...why].flatMap(([name, reason]) => {
    const own = stops.filter(({ namespace }) => namespace === name && namespace !== '');
    return own.length === 0 ? [] : [{ name, why: reason, entries: own }];
  });
}

/** `registry.infra.svc.cluster.local:5000/app` is served by a Service in `infra`. */
function registryNamespace(image: string): string {
  const host = (image.split('/', 1)[0] ?? '').split(':', 1)[0] ?? '';
  const [, namespace = '', kind] = host.split('.');
  return kind === 'svc' ? namespace : '';
}

export function sortedRadius({ entries, notLookedAt }: BlastRadius): BlastRadius {
  return {
    entries: inOrderOfPlace(entries),
    notLookedAt: [...notLookedAt].sort((a, b) => (a.what < b.what ? -1 : 1)),
  };
}
