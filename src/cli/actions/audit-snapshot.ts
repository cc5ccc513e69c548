import { auditFigures } from '../../core/audit/audit-figures.ts';
import { contentDigest, encodeAuditSnapshot, type AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { PolicyMaterial } from '../../core/policy/policy-material.ts';
import { PolicySet } from '../../core/policy/policy-set.ts';
import { PolicyError, RemoteError } from '../../errors.ts';
import { loadPublicKey } from '../../io/keys/key-loader.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { auditWorkloads, type AuditedWorkload } from '../../workflows/audit-workloads.ts';
import { SignerObservation } from '../../workflows/observe-signers.ts';
import { auditedPolicies, auditedThings } from '../choices/audit-choice.ts';
import { chosenCluster } from '../choices/cluster-choice.ts';
import type { ChosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal } from '../choices/rehearsal-choice.ts';
import type { CommandContext } from '../command.ts';
import { packageVersion } from '../commands/version.ts';
import { NO_MATCH_ACTIONS } from '../flags/policy-flags.ts';
import { writeOutputFile } from '../output-file.ts';
import { auditMetricsText } from '../report/audit-metrics.ts';
import { auditText } from '../report/audit-text.ts';

const READABLE = 0o644;
const PERCENT = 100;

/**
 * Looks at everything that runs, changes nothing, and says what is known about it.
 *
 * @throws PolicyError POLICY_DENIED below `--min-coverage`; RemoteError COULD_NOT_CHECK when nobody can tell whether it is reached;
 *   what its parts throw
 */
export async function takeSnapshot(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const system = flags.required('system');
  const isOffline = flags.arguments.length > 0 || flags.isGiven('resource');
  const cluster = isOffline ? undefined : await chosenCluster(context);
  const minimum = flags.integer('min-coverage', 0, PERCENT);
  try {
    const chosen = await auditedPolicies(context, cluster);
    const opened = await openRehearsal(context, [chosen.policies], { trust: true });
    terminal.progress(`  trust from ${opened.trustSource}`);
    try {
      const { workloads, notLookedAt, scope } = await auditedThings(context, cluster, opened, flags.arguments);
      const snapshot: AuditSnapshot = {
        system,
        takenAt: now(),
        version: packageVersion(),
        scope,
        policies: { ...policyFacts(context, chosen), count: chosen.policies.policies.length },
        trust: opened.trustSource,
        entries: await audit(context, workloads, chosen, opened),
        notLookedAt: notLookedAt.map(({ what, error }) => ({ what, reason: `${error.code} ${error.message}` })),
      };
      tell(context, snapshot);
      gate(snapshot, minimum);
    } finally {
      await opened.close();
    }
  } finally {
    cluster?.http.close();
  }
}

async function audit(
  context: CommandContext,
  workloads: readonly AuditedWorkload[],
  { policies, exceptions }: ChosenPolicies,
  { rehearsal, trustedRoot }: Awaited<ReturnType<typeof openRehearsal>>,
): Promise<AuditSnapshot['entries']> {
  const { flags, environment, terminal } = context;
  const http = new HttpClient({ proxyEnv: environment });
  const keys = await Promise.all(flags.list('key').map((key) => loadPublicKey(key, { environment, http })));
  let told = 0;
  const entries = await auditWorkloads(workloads, {
    rehearsal,
    rehearsed: {
      policies: new PolicySet(policies.policies, policies.references),
      exceptions,
      noMatch: NO_MATCH_ACTIONS.find((action) => action === flags.string('no-match')) ?? 'deny',
    },
    observation: new SignerObservation(rehearsal, new PolicyMaterial(trustedRoot), keys),
    onProgress: (done, of) => {
      const tenth = Math.floor((done * 10) / of);
      if (of < PERCENT || tenth === told) return;
      told = tenth;
      terminal.progress(`  ${done} of ${of} pods and templates`);
    },
  });
  http.close();
  return entries;
}

/** Where they are from, and a digest that another set of policies does not have. */
function policyFacts({ flags }: CommandContext, { policies }: ChosenPolicies): { source: string; digest: string } {
  const hashes = policies.policies.map(({ kind, name, mode, revision }) => [kind, name, mode, revision?.hash ?? '']);
  const text = JSON.stringify(hashes.sort((a, b) => (a.join() < b.join() ? -1 : 1)));
  return {
    source: flags.isGiven('policy') ? flags.list('policy').join(', ') : 'the cluster',
    digest: `sha256:${encodeHex(sha256(utf8(text)))}`,
  };
}

function tell({ flags, terminal }: CommandContext, snapshot: AuditSnapshot): void {
  const out = flags.string('out');
  const text = encodeAuditSnapshot(snapshot);
  if (out !== undefined) writeOutputFile(out, text, READABLE);
  const figures = auditFigures(snapshot);
  switch (flags.string('output')) {
    case 'json':
      terminal.result(text.trimEnd());
      break;
    case 'prometheus':
      terminal.result(auditMetricsText(snapshot, figures).trimEnd());
      break;
    default:
      for (const line of auditText(snapshot, figures)) terminal.result(line);
  }
  for (const { what, reason } of snapshot.notLookedAt) terminal.warn(`not looked at: ${what}: ${reason}`);
  if (out === undefined) return;
  terminal.progress(terminal.done(`${out}   content ${contentDigest(snapshot)}`));
  terminal.progress(`  sign it:  sealwright sign-blob --bundle ${out}.sigstore.json ${out}`);
  terminal.progress(`  later:    sealwright audit diff ${out} after.json`);
}

function gate(snapshot: AuditSnapshot, minimum: number | undefined): void {
  if (minimum === undefined) return;
  const { coverage, rescheduleRisk } = auditFigures(snapshot);
  const { verified, of, share } = coverage.containers;
  const found = `${verified} of ${of} containers verified, ${rescheduleRisk.unknown} undetermined`;
  if (share * PERCENT >= minimum && snapshot.notLookedAt.length === 0) return;
  const best = of === 0 ? 1 : (verified + rescheduleRisk.unknown) / of;
  if (share * PERCENT >= minimum || best * PERCENT >= minimum) {
    throw new RemoteError('COULD_NOT_CHECK', `nobody can tell whether ${minimum}% are verified`, {
      found:
        snapshot.notLookedAt.length === 0 ? found : `${found}; ${snapshot.notLookedAt.length} things not looked at`,
      expected: 'an answer about everything that runs',
      fix: 'give the command what it lacks (credentials, leave to list), and take the snapshot again',
    });
  }
  throw new PolicyError('POLICY_DENIED', 'too little of what runs is verified', {
    found,
    expected: `at least ${minimum}% of them`,
    fix: 'sealwright policy plan',
  });
}
