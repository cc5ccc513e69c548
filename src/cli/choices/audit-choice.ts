import type { AuditedCluster, AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import type { NotAudited } from '../../core/audit/not-audited.ts';
import { acceptedKeys, widestPattern } from '../../core/audit/policy-facts.ts';
import { OutsideReach, REACHING_KINDS } from '../../core/audit/outside-reach.ts';
import { DEFAULT_TEAM_LABEL } from '../../core/audit/team-of.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import { UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { AuditedWorkload } from '../../workflows/audit/audit-workloads.ts';
import { systemNamespace } from './cluster-choice.ts';
import { readClusterEnforcement, type FoundEnforcement } from '../../workflows/audit/cluster-enforcement.ts';
import { readClusterNamespaces, type FoundNamespaces } from '../../workflows/audit/cluster-namespaces.ts';
import { readClusterReach, type FoundReach } from '../../workflows/audit/cluster-reach.ts';
import { readClusterWorkloads } from '../../workflows/planning/cluster-workloads.ts';
import type { CommandContext } from '../grammar/command.ts';
import { STANDING_FLAGS } from '../flags/standing-flags.ts';
import { clusterExceptions, clusterPolicies } from './cluster-policies.ts';
import { chosenPolicies, type ChosenPolicies } from './policy-choice.ts';
import type { OpenedRehearsal } from './rehearsal-choice.ts';
import { imageList, placeThings, podObject, standing, type StandingThings } from './standing-things.ts';
import { workloadAccess } from './workload-choice.ts';

/** `reaching` is empty for a cluster, which is asked on its own. */
export interface AuditedThings extends StandingThings {
  /** In words, for the report. */
  readonly scope: string;
}

/** Whether flags or arguments name what is to be looked at, and no cluster is asked. @param named by the command's own means */
export function isClusterLess({ flags }: CommandContext, named: readonly string[]): boolean {
  return named.length > 0 || STANDING_FLAGS.some(({ name }) => flags.isGiven(name));
}

/**
 * What is to be looked at: a cluster, or what would run of files and images that are named.
 *
 * @param named images that nothing else names
 * @throws UsageError USAGE_FILE; FormatError FORMAT_POLICY for files that are neither manifests nor Compose files
 */
export async function auditedThings(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
  opened: OpenedRehearsal,
  named: readonly string[],
): Promise<AuditedThings> {
  const { flags } = context;
  if (cluster !== undefined) return clusterThings(context, cluster, opened);
  const { access } = opened;
  const places = flags.list('resource');
  const read: StandingThings[] = [];
  for (const place of places) read.push(await placeThings(place, access));
  const listed = (await Promise.all(flags.list('images').map(imageList))).flat();
  const images = [...named, ...listed].map((image) =>
    standing('Image', podObject('default'), access, [[image, 'argument']]),
  );
  const counted = images.length === 0 ? [] : [`${images.length} images`];
  return {
    workloads: [...images, ...read.flatMap(({ workloads }) => workloads)],
    notLookedAt: read.flatMap(({ notLookedAt }) => notLookedAt),
    reaching: read.flatMap(({ reaching }) => reaching),
    scope: [...places.map((place) => (place === '-' ? 'standard input' : place)), ...counted].join(', '),
  };
}

/**
 * What should apply: the cluster's own policies, or those that are named, with the cluster's exceptions in either case.
 *
 * @throws UsageError USAGE_BAD_FLAG where neither is there; what reading them throws
 */
export async function auditedPolicies(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
): Promise<ChosenPolicies> {
  const { flags } = context;
  if (flags.isGiven('policy')) {
    const drafts = await chosenPolicies(context, flags.list('policy'), flags.list('trustroot'));
    if (cluster === undefined) return drafts;
    return { ...drafts, exceptions: [...drafts.exceptions, ...(await clusterExceptions(context, cluster))] };
  }
  if (cluster !== undefined) return clusterPolicies(context, cluster);
  throw new UsageError('USAGE_BAD_FLAG', 'nothing says what should apply', {
    expected: '--policy FILE|FOLDER|URL where no cluster is looked at',
  });
}

/**
 * What leads to the workloads from outside: of a cluster by what it serves, of files by what stands in them. Of images alone, and of
 * Compose files, nobody knows.
 */
export async function auditedReach(
  { flags }: CommandContext,
  cluster: ClusterAccess | undefined,
  { workloads, notLookedAt, reaching }: AuditedThings,
): Promise<FoundReach> {
  if (cluster !== undefined) return readClusterReach(cluster, flags.list('namespace'));
  const isObject = ({ object }: AuditedWorkload): boolean => object.document !== undefined;
  const unread: readonly NotAudited[] = notLookedAt.map(({ what, error }) => ({ what, reason: error.code }));
  const bare = { what: 'what leads to images that no manifest names', reason: 'a list of images does not say' };
  return {
    outside: new OutsideReach(reaching),
    reach: {
      kinds: REACHING_KINDS.map(({ kind }) => kind),
      notLookedAt: workloads.every(isObject) ? unread : [...unread, bare],
    },
  };
}

/** Namespaces of a cluster; of files and images nobody knows any. */
export async function auditedNamespaces(
  { flags }: CommandContext,
  cluster: ClusterAccess | undefined,
): Promise<FoundNamespaces> {
  if (cluster === undefined) return { metadata: new Map(), notLookedAt: [] };
  return readClusterNamespaces(cluster, flags.list('namespace'));
}

/** How far enforcing reaches in a cluster; files and images are in none. */
export async function auditedEnforcement(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
  namespaces: FoundNamespaces,
): Promise<FoundEnforcement | undefined> {
  return cluster === undefined ? undefined : readClusterEnforcement(cluster, systemNamespace(context), namespaces);
}

/** Which cluster it is: by the name that is given, and by what tells it from others. */
export function auditedCluster({ flags }: CommandContext, { clusterId }: FoundNamespaces): AuditedCluster | undefined {
  const name = flags.string('cluster');
  if (name === undefined && clusterId === undefined) return undefined;
  return { ...(name === undefined ? {} : { name }), ...(clusterId === undefined ? {} : { id: clusterId }) };
}

/** Labels and annotations that say whose something is. */
export function teamLabels({ flags }: CommandContext): readonly string[] {
  return flags.isGiven('team-label') ? flags.list('team-label') : [DEFAULT_TEAM_LABEL];
}

/** Where they are from, how many, and a digest that another set of policies does not have. */
export function policyFacts({ flags }: CommandContext, { policies }: PolicySet): AuditSnapshot['policies'] {
  const hashes = policies.map(({ kind, name, mode, revision }) => [kind, name, mode, revision?.hash ?? '']);
  const widest = widestPattern(policies);
  const text = JSON.stringify(hashes.sort((a, b) => (a.join() < b.join() ? -1 : 1)));
  return {
    source: flags.isGiven('policy') ? flags.list('policy').join(', ') : 'the cluster',
    digest: `sha256:${encodeHex(sha256(utf8(text)))}`,
    count: policies.length,
    ...(widest === undefined ? {} : { widest }),
    keys: acceptedKeys(policies),
  };
}

async function clusterThings(
  context: CommandContext,
  cluster: ClusterAccess,
  opened: OpenedRehearsal,
): Promise<AuditedThings> {
  const namespaces = context.flags.list('namespace');
  const picture = await readClusterWorkloads(cluster, namespaces);
  const accessOf = workloadAccess(context, cluster, opened);
  return {
    workloads: picture.workloads.map(({ kind, namespace, owner, object, identity, containers, makerMetadata }) => ({
      namespace,
      owner,
      isRunning: kind === 'pod',
      object,
      access: accessOf(namespace, identity),
      containers,
      ...(makerMetadata === undefined ? {} : { makerMetadata }),
    })),
    notLookedAt: picture.notLookedAt,
    reaching: [],
    scope: namespaces.length === 0 ? 'a cluster, all namespaces' : `a cluster, namespaces ${namespaces.join(', ')}`,
  };
}
