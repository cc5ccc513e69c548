import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { checkAuditGate, coverageFloor, GATED_STATES, type AuditGate } from '../../core/audit/audit-gate.ts';
import { auditFigures } from '../../core/audit/audit-figures.ts';
import { contentDigest, encodeAuditSnapshot, type AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import type { OutsideReach } from '../../core/audit/outside-reach.ts';
import { knownExceptions } from '../../core/audit/policy-facts.ts';
import { snapshotStatement } from '../../core/audit/snapshot-statement.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { UsageError } from '../../errors.ts';
import { loadPublicKey } from '../../io/keys/key-loader.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import {
  auditWorkloads,
  type AuditedWorkload,
  type AuditOptions,
  type TeamSources,
} from '../../workflows/audit/audit-workloads.ts';
import { SignerObservation } from '../../workflows/planning/observe-signers.ts';
import {
  auditedCluster,
  auditedEnforcement,
  auditedNamespaces,
  auditedPolicies,
  auditedReach,
  auditedThings,
  isClusterLess,
  policyFacts,
  teamLabels,
} from '../choices/audit-choice.ts';
import { chosenCluster } from '../choices/cluster-choice.ts';
import type { ChosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal } from '../choices/rehearsal-choice.ts';
import { rehearsedPolicies } from '../choices/rehearsed-policies.ts';
import { statementSigner, type StatementSigner } from '../choices/statement-signer.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { SNAPSHOT_SIGNING_FLAGS, snapshotBundlePath } from '../flags/snapshot-flags.ts';
import { REPEATED_FLAGS } from '../flags/repeated-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { datedFile } from '../terminal/dated-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { auditMetricsText } from '../report/audit-metrics.ts';
import { auditText } from '../report/audit-text.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import { signatureFacts, signerFlags } from '../report/signed-image-report.ts';
import { visibleText } from '../terminal/visible-text.ts';

const READABLE = 0o644;
const PERCENT = 100;
const MAX_NAME = 100;

/**
 * Looks at everything that runs, changes nothing, and says what is known about it.
 *
 * @throws PolicyError POLICY_DENIED, RemoteError COULD_NOT_CHECK as `checkAuditGate`; what its parts throw
 */
export async function takeSnapshot(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const system = flags.required('system');
  const gate = chosenGate(context);
  const signer = await statementSigner(context, SNAPSHOT_SIGNING_FLAGS);
  const cluster = isClusterLess(context, flags.arguments) ? undefined : await chosenCluster(context);
  try {
    const chosen = await auditedPolicies(context, cluster);
    const opened = await openRehearsal(context, [chosen.policies], { trust: true });
    terminal.progress(`  trust from ${opened.trustSource}`);
    try {
      const things = await auditedThings(context, cluster, opened, flags.arguments);
      const { workloads, notLookedAt, scope } = things;
      const { outside, reach } = await auditedReach(context, cluster, things);
      const namespaces = await auditedNamespaces(context, cluster);
      const teams = { labels: teamLabels(context), namespaces: namespaces.metadata };
      const found = await auditedEnforcement(context, cluster, namespaces);
      // Policies that are only to apply say nothing of what is refused.
      const inForce = found === undefined || flags.isGiven('policy') ? undefined : { noMatch: found.noMatch };
      const which = auditedCluster(context, namespaces);
      const snapshot: AuditSnapshot = {
        system,
        takenAt: now(),
        version: packageVersion(),
        words: [...flags.words(REPEATED_FLAGS.snapshot), ...flags.arguments],
        scope,
        ...(which === undefined ? {} : { cluster: which }),
        teams: { labels: teams.labels, notLookedAt: namespaces.notLookedAt },
        policies: policyFacts(context, chosen.policies),
        trust: opened.trustSource,
        entries: await audit(context, { workloads, outside, teams, inForce }, chosen, opened),
        notLookedAt: notLookedAt.map(({ what, error }) => ({ what, reason: `${error.code} ${error.message}` })),
        reach,
        ...(found === undefined ? {} : { enforcement: found.enforcement }),
        exceptions: knownExceptions(chosen.exceptions),
      };
      await keep(context, snapshot, signer);
      tell(context, snapshot);
      checkAuditGate(snapshot, gate);
    } finally {
      await opened.close();
    }
  } finally {
    signer?.close();
    cluster?.http.close();
  }
}

interface Audited {
  readonly workloads: readonly AuditedWorkload[];
  readonly outside: OutsideReach;
  readonly teams: TeamSources;
  readonly inForce: AuditOptions['inForce'] | undefined;
}

async function audit(
  context: CommandContext,
  { workloads, outside, teams, inForce }: Audited,
  chosen: ChosenPolicies,
  { rehearsal, trustedRoot }: Awaited<ReturnType<typeof openRehearsal>>,
): Promise<AuditSnapshot['entries']> {
  const { flags, environment, terminal } = context;
  const http = new HttpClient({ proxyEnv: environment });
  const keys = await Promise.all(flags.list('key').map((key) => loadPublicKey(key, { environment, http })));
  let told = 0;
  const entries = await auditWorkloads(workloads, {
    rehearsal,
    rehearsed: rehearsedPolicies(context, chosen),
    observation: new SignerObservation(rehearsal, new PolicyMaterial(trustedRoot), keys),
    outside,
    teams,
    ...(inForce === undefined ? {} : { inForce }),
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

/** Before anything is printed: signed first, so that what lies there without its signature is no snapshot that was to have one. */
async function keep(
  context: CommandContext,
  snapshot: AuditSnapshot,
  signer: StatementSigner | undefined,
): Promise<void> {
  const { flags, terminal } = context;
  const given = flags.string('out');
  if (given === undefined) return;
  const out = snapshotPath(given, snapshot);
  const bytes = utf8(encodeAuditSnapshot(snapshot));
  const [name, hex] = [basename(out), encodeHex(sha256(bytes))];
  const signed = await signer?.sign(name, hex, snapshotStatement(name, hex, snapshot));
  // What is beside it from before is about another snapshot, and would be held against this one.
  if (signed === undefined) rmSync(snapshotBundlePath(out), { force: true });
  else writeOutputFile(snapshotBundlePath(out), signed.bundleJson, READABLE);
  writeOutputFile(out, bytes, READABLE);
  terminal.progress(terminal.done(`${out}   content ${contentDigest(snapshot)}`));
  const later = ['sealwright', 'audit', 'diff', out, 'after.json'];
  if (signed === undefined) {
    terminal.progress('  unsigned: --sign signs the next one');
  } else {
    terminal.progress(signatureFacts(terminal, signed.bundle).join('      '));
    later.push(...signerFlags(signed, { key: signer?.key, trustFlags: [] }), ...trustFlagsGiven(context));
  }
  terminal.progress(`  later:    ${visibleText(shellCommand(later))}`);
}

/** What a file system would take for a folder in the name of a system is none. */
function snapshotPath(out: string, { system, takenAt }: AuditSnapshot): string {
  return datedFile(out, system.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, MAX_NAME), takenAt);
}

function tell({ flags, terminal }: CommandContext, snapshot: AuditSnapshot): void {
  const figures = auditFigures(snapshot);
  switch (flags.string('output')) {
    case 'json':
      terminal.result(encodeAuditSnapshot(snapshot).trimEnd());
      break;
    case 'prometheus':
      terminal.result(auditMetricsText(snapshot, figures).trimEnd());
      break;
    default:
      for (const line of auditText(snapshot, figures)) terminal.result(line);
  }
  for (const { what, reason } of snapshot.notLookedAt) terminal.warn(`not looked at: ${what}: ${reason}`);
}

/** @throws UsageError USAGE_BAD_FLAG */
function chosenGate({ flags }: CommandContext): AuditGate {
  const failOn = flags.list('fail-on').map((name) => {
    const state = GATED_STATES.find((known) => known === name);
    if (state !== undefined) return state;
    throw new UsageError('USAGE_BAD_FLAG', '--fail-on has no such state', {
      found: name.slice(0, 100),
      expected: GATED_STATES.join(', '),
    });
  });
  return { floors: flags.list('fail-under').map(coverageFloor), failOn };
}
