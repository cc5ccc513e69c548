import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import { inOrderOfPlace, type AuditEntry } from '../../core/audit/audit-entry.ts';
import { acceptedKeys, type AcceptedKey } from '../../core/audit/policy-facts.ts';
import { keylessOnly, type KeylessIdentity } from '../../core/policy/conversion/key-migration.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { AdmittedImage } from '../../workflows/admission/image-admission.ts';
import { auditWorkloads } from '../../workflows/audit/audit-workloads.ts';
import { SignerObservation } from '../../workflows/planning/observe-signers.ts';
import type { CommandContext } from '../grammar/command.ts';
import { auditedThings, isClusterLess, type AuditedThings } from './audit-choice.ts';
import { chosenCluster } from './cluster-choice.ts';
import { clusterExceptions, clusterPolicies } from './cluster-policies.ts';
import { policiesInTexts, policyTexts, type ChosenPolicies } from './policy-choice.ts';
import { openRehearsal, type OpenedRehearsal } from './rehearsal-choice.ts';
import { rehearsedPolicies } from './rehearsed-policies.ts';

/** A policy file that names keys, and who shall sign in their place. */
export interface KeyedFile {
  readonly path: string;
  readonly text: string;
  readonly identity: KeylessIdentity;
}

/** What runs, by the policies of the file with its keys and without them. */
export interface JudgedKeys extends KeyedFile {
  readonly before: readonly AuditEntry[];
  /** What would be left if no key counted. */
  readonly after: readonly AuditEntry[];
  /** Images that a key has signed, which is more than to have attested something about them: proven by what passed now. */
  readonly signedByKey: ReadonlySet<string>;
  /** What nobody could tell, in words. */
  readonly unknown: readonly string[];
  /** With since when policies of a cluster accept them. */
  readonly keys: readonly AcceptedKey[];
  /** By other policies than those of the file. */
  readonly judge: (text: string) => Promise<readonly AuditEntry[]>;
}

/**
 * Judges what runs, each time as it is then: nothing is taken over from an earlier look.
 *
 * @throws what its parts throw
 */
export async function withJudgedKeys<Result>(
  context: CommandContext,
  { path, text, identity }: KeyedFile,
  use: (judged: JudgedKeys) => Promise<Result>,
): Promise<Result> {
  const { flags } = context;
  const cluster = isClusterLess(context, flags.arguments) ? undefined : await chosenCluster(context);
  try {
    const exceptions = cluster === undefined ? [] : await clusterExceptions(context, cluster);
    const chosenIn = async (policies: string): Promise<ChosenPolicies> => {
      const besides = await policyTexts(context, flags.list('trustroot'));
      const chosen = await policiesInTexts(context, [{ path, text: policies }, ...besides], [path]);
      return { ...chosen, exceptions: [...chosen.exceptions, ...exceptions] };
    };
    const [now, then] = [await chosenIn(text), await chosenIn(keylessOnly(text, path, identity))];
    const opened = await openRehearsal(context, [now.policies, then.policies], { trust: true });
    context.terminal.progress(`  trust from ${opened.trustSource}`);
    try {
      const things = await auditedThings(context, cluster, opened, flags.arguments);
      const signedByKey = new Set<string>();
      const judge = (chosen: ChosenPolicies): Promise<readonly AuditEntry[]> => audit(context, things, chosen, opened);
      const before = await audit(context, things, now, opened, ({ image }, admitted) => {
        if (bundlesOf(admitted).some(isSignatureByKey)) signedByKey.add(image);
      });
      const after = await judge(then);
      return await use({
        ...{ path, text, identity, before, after, signedByKey },
        unknown: unknownIn(things, [...before, ...after]),
        keys: await datedKeys(context, cluster, acceptedKeys(now.policies.policies)),
        judge: async (policies) => judge(await chosenIn(policies)),
      });
    } finally {
      await opened.close();
    }
  } finally {
    cluster?.http.close();
  }
}

function audit(
  context: CommandContext,
  { workloads }: AuditedThings,
  chosen: ChosenPolicies,
  { rehearsal, trustedRoot }: OpenedRehearsal,
  onDecided?: (entry: AuditEntry, admitted: AdmittedImage) => void,
): Promise<readonly AuditEntry[]> {
  return auditWorkloads(workloads, {
    rehearsal,
    rehearsed: rehearsedPolicies(context, chosen),
    observation: new SignerObservation(rehearsal, new PolicyMaterial(trustedRoot)),
    ...(onDecided === undefined ? {} : { onDecided }),
  });
}

function bundlesOf({ decision }: AdmittedImage): readonly VerifiedBundle[] {
  return decision.judgements.flatMap((judgement) => (judgement.outcome === 'passed' ? judgement.bundles : []));
}

/** What it attested says something else than that the image may run. */
function isSignatureByKey({ signer, statement }: VerifiedBundle): boolean {
  return signer.kind === 'key' && (statement === undefined || statement.predicateType === IMAGE_SIGNATURE_PREDICATE);
}

function unknownIn({ notLookedAt }: AuditedThings, entries: readonly AuditEntry[]): readonly string[] {
  return [
    ...notLookedAt.map(({ what, error }) => `${what}: ${error.code}`),
    ...entries.filter(({ state }) => state === 'undetermined').map(({ image, code }) => `${image}: ${code ?? ''}`),
  ].filter((text, index, all) => all.indexOf(text) === index);
}

/** A file does not say since when its policies are in force; the cluster does, where it may be asked. */
async function datedKeys(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
  keys: readonly AcceptedKey[],
): Promise<readonly AcceptedKey[]> {
  if (cluster === undefined) return keys;
  try {
    const { policies } = await clusterPolicies(context, cluster);
    const inForce = new Map(acceptedKeys(policies.policies).map((key) => [key.name, key]));
    return keys.map((key) => {
      const since = inForce.get(key.name)?.since;
      return since === undefined ? key : { ...key, since };
    });
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    context.terminal.warn(`since when the cluster accepts the keys is not known: ${error.code}  ${error.message}`);
    return keys;
  }
}

/** Verified now, and not any more by other policies; by place. */
export function lostPlaces(before: readonly AuditEntry[], after: readonly AuditEntry[]): readonly AuditEntry[] {
  const placeOf = ({ namespace, owner, path, image }: AuditEntry): string =>
    JSON.stringify([namespace, owner, path, image]);
  const kept = new Set(after.filter(({ state }) => state === 'verified').map(placeOf));
  return inOrderOfPlace(before.filter((entry) => entry.state === 'verified' && !kept.has(placeOf(entry))));
}

/** Each image once, whatever it is called in which place. */
export function imagesOf(entries: readonly AuditEntry[]): readonly string[] {
  return [...new Set(entries.map(({ image }) => image))].sort();
}
