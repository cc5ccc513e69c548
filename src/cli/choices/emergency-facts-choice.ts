import { sha256 } from '../../core/crypto/digest.ts';
import type { EmergencyFacts, KnownPolicy, NamedThing } from '../../core/emergency/emergency-facts.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import {
  encodeRevocationAuthority,
  memberId,
  type RevocationAuthority,
} from '../../core/revocation/revocation-authority.ts';
import { RevocationHistory } from '../../core/revocation/revocation-history.ts';
import { believedMembers, type StatementTrust } from '../../core/revocation/verified-statement.ts';
import { encodeTrustedRoot, type CertificateAuthority } from '../../core/trust/trusted-root.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { readClusterWorkloads } from '../../workflows/planning/cluster-workloads.ts';
import type { CommandContext } from '../grammar/command.ts';
import { auditedPolicies } from './audit-choice.ts';
import { chosenCluster, systemNamespace } from './cluster-choice.ts';
import { authorityAlone, openRevocations } from './revocation-choice.ts';
import { trustFor } from './trust-choice.ts';

/** An installation as it was found, and what could not be looked at. */
export interface FoundInstallation {
  readonly facts: EmergencyFacts;
  /** Who may revoke, and what they have said so far; absent where nobody may. */
  readonly authority?: StatementTrust & { readonly history: RevocationHistory };
  /** Names of members whom nobody believes any more. */
  readonly revokedMembers: readonly string[];
  readonly notLookedAt: readonly string[];
  /** Why there is no cluster, where none was named and policies were: perhaps there is none. */
  readonly withoutCluster?: string;
  /** Of the facts: those that are whole, because everything about them was looked at. */
  readonly looked: ReadonlySet<'authority' | 'policies' | 'cluster' | 'registries'>;
}

/** An installation that never had a cluster lacks none; of one that had, nobody looked. */
export function notLookedAt(
  { notLookedAt: found, withoutCluster }: FoundInstallation,
  before: EmergencyFacts | undefined,
): readonly string[] {
  return before?.cluster === undefined || withoutCluster === undefined ? found : [...found, withoutCluster];
}

/** What could not be looked at is as it was before: an installation has no fewer signers because its cluster is down. */
export function carriedOver({ facts, looked }: FoundInstallation, before: EmergencyFacts | undefined): EmergencyFacts {
  if (before === undefined) return facts;
  const authority = looked.has('authority') ? facts.authority : (facts.authority ?? before.authority);
  const cluster = looked.has('cluster') ? facts.cluster : before.cluster;
  return {
    trust: facts.trust,
    ...(authority === undefined ? {} : { authority }),
    policies: looked.has('policies') ? facts.policies : before.policies,
    ...(cluster === undefined ? {} : { cluster }),
    registries: looked.has('registries')
      ? facts.registries
      : [...new Set([...facts.registries, ...before.registries])].sort(),
  };
}

/**
 * Looks at what there is: trust, who may revoke, policies, a cluster where one can be had. Changes nothing.
 *
 * @throws UsageError USAGE_NO_TRUST, USAGE_FILE for what flags name; FormatError; what reading trust and revocations throws
 */
export async function foundInstallation(context: CommandContext): Promise<FoundInstallation> {
  const http = new HttpClient({ proxyEnv: context.environment });
  try {
    const trust = await trustFor(context, http);
    context.terminal.progress(`  trust from ${trust.source}`);
    const notLookedAt: string[] = [];
    const looked = new Set<'authority' | 'policies' | 'cluster' | 'registries'>();
    const known = await whoMayRevoke(context, http, trust, notLookedAt);
    if (known === undefined) notLookedAt.push('who may revoke: neither the trust nor --revocation-authority says so');
    else looked.add('authority');
    const { withoutCluster, ...around } = await surroundings(context, notLookedAt, looked);
    const { trustedRoot } = trust;
    const facts: EmergencyFacts = {
      trust: {
        digest: fingerprint(encodeTrustedRoot(trustedRoot)),
        certificateAuthorities: trustedRoot.certificateAuthorities.flatMap(authorityThings),
        logs: trustedRoot.tlogs.map(({ logId, baseUrl }) => ({ id: encodeHex(logId), name: baseUrl })),
        timestampAuthorities: trustedRoot.timestampAuthorities.flatMap(authorityThings),
      },
      ...(known === undefined ? {} : { authority: authorityFacts(known.authority) }),
      ...around,
    };
    const seen = { facts, notLookedAt, looked, ...(withoutCluster === undefined ? {} : { withoutCluster }) };
    if (known === undefined) return { ...seen, revokedMembers: [] };
    const believed = believedMembers(known.authority, known.history);
    const revokedMembers = known.authority.members.filter((one) => !believed.includes(one)).map(({ name }) => name);
    return { ...seen, authority: { ...known, trustedRoot }, revokedMembers };
  } finally {
    http.close();
  }
}

async function whoMayRevoke(
  context: CommandContext,
  http: HttpClient,
  trust: Awaited<ReturnType<typeof trustFor>>,
  notLookedAt: string[],
): Promise<{ readonly authority: RevocationAuthority; readonly history: RevocationHistory } | undefined> {
  const alone = authorityAlone(context, trust);
  if (alone !== undefined) {
    notLookedAt.push('what is revoked: --revocations names no snapshot');
    return { authority: alone, history: new RevocationHistory() };
  }
  const opened = await openRevocations(context, http, trust);
  if (opened === undefined) return undefined;
  const failure = await opened.refresh();
  if (failure?.family === 'verification' || failure?.family === 'format') throw failure;
  if (failure !== undefined) notLookedAt.push(`what is revoked: ${failure.code} ${failure.message}`);
  return { authority: opened.authority, history: opened.state.snapshot?.history ?? new RevocationHistory() };
}

type Surroundings = Pick<EmergencyFacts, 'policies' | 'cluster' | 'registries'> &
  Pick<FoundInstallation, 'withoutCluster'>;

/** A cluster that was named and cannot be read is a mistake; one that nobody named was not looked at. */
async function surroundings(
  context: CommandContext,
  notLookedAt: string[],
  looked: Set<'authority' | 'policies' | 'cluster' | 'registries'>,
): Promise<Surroundings> {
  const { flags } = context;
  let cluster: ClusterAccess | undefined;
  let withoutCluster: string | undefined;
  try {
    cluster = await chosenCluster(context);
  } catch (error) {
    if (!isOrdinary(error) || flags.isGiven('kubeconfig')) throw error;
    withoutCluster = `the cluster: ${error.code} ${error.message}`;
  }
  try {
    const policies = await policiesFound(context, cluster, notLookedAt);
    if (policies !== undefined) looked.add('policies');
    if (cluster === undefined) {
      return { policies: policies ?? [], registries: [], ...(withoutCluster === undefined ? {} : { withoutCluster }) };
    }
    looked.add('cluster');
    const before = notLookedAt.length;
    const registries = await registriesFound(cluster, flags.list('namespace'), notLookedAt);
    if (notLookedAt.length === before) looked.add('registries');
    return {
      policies: policies ?? [],
      registries,
      cluster: { server: cluster.server, webhookNamespace: systemNamespace(context) },
    };
  } finally {
    cluster?.http.close();
  }
}

async function policiesFound(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
  notLookedAt: string[],
): Promise<readonly KnownPolicy[] | undefined> {
  if (cluster === undefined && !context.flags.isGiven('policy')) {
    notLookedAt.push('the policies: neither a cluster nor --policy');
    return undefined;
  }
  try {
    return knownPolicies((await auditedPolicies(context, cluster)).policies);
  } catch (error) {
    if (!isOrdinary(error) || error.family !== 'remote') throw error;
    notLookedAt.push(`the policies: ${error.code} ${error.message}`);
    return undefined;
  }
}

function knownPolicies({ policies }: PolicySet): readonly KnownPolicy[] {
  return policies.map(({ name, kind, signers }) => ({
    name,
    signers: signers ?? [{ kind: 'other', text: `whom ${kind} ${name} accepts` }],
  }));
}

async function registriesFound(
  cluster: ClusterAccess,
  namespaces: readonly string[],
  notLookedAt: string[],
): Promise<readonly string[]> {
  const picture = await readClusterWorkloads(cluster, namespaces);
  notLookedAt.push(...picture.notLookedAt.map(({ what, error }) => `${what}: ${error.code} ${error.message}`));
  const hosts = picture.workloads.flatMap(({ containers }) => containers.map(({ text }) => registryHost(text)));
  return [...new Set(hosts)].sort();
}

/** As container engines read names: without a host they are Docker Hub's. */
function registryHost(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : 'docker.io';
}

function authorityFacts(authority: RevocationAuthority): NonNullable<EmergencyFacts['authority']> {
  const { members, quorum, snapshotKeys } = authority;
  return {
    digest: fingerprint(encodeRevocationAuthority(authority)),
    members: members.map((member) => ({ name: member.name, id: memberId(member) })),
    quorum,
    snapshotKeys: snapshotKeys.map(({ id }) => encodeHex(id)),
  };
}

/** The root, and each intermediate: either can be what was stolen. */
function authorityThings({ chain, uri, subject }: CertificateAuthority): readonly NamedThing[] {
  const name = subject.commonName ?? uri;
  return chain.map(({ fingerprint: id }, index) => ({
    id,
    name: index === chain.length - 1 ? name : `${name}, intermediate ${index + 1}`,
  }));
}

function fingerprint(text: string): string {
  return encodeHex(sha256(utf8(text)));
}

function isOrdinary(error: unknown): error is SealwrightError {
  return error instanceof SealwrightError && error.family !== 'invariant';
}
