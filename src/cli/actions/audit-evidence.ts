import { basename } from 'node:path';
import { compareAudits } from '../../core/audit/audit-comparison.ts';
import { auditFigures } from '../../core/audit/audit-figures.ts';
import { controlEvidence } from '../../core/audit/evidence-controls.ts';
import { checkOneSystem } from '../../core/audit/one-system.ts';
import { verificationSummaries, type DigestSummary } from '../../core/audit/verification-summary.ts';
import { encodeStatement, STATEMENT_V1 } from '../../core/attestation/statement.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { InvariantError, UsageError } from '../../errors.ts';
import type { PolicyText } from '../../io/files/policy-texts.ts';
import { policyFacts } from '../choices/audit-choice.ts';
import { drilledTime } from '../choices/drill-choice.ts';
import { policiesInTexts, policyTexts } from '../choices/policy-choice.ts';
import type { SnapshotFile } from '../choices/snapshot-file-choice.ts';
import { snapshotSeries } from '../choices/snapshot-series-choice.ts';
import { statementSigner, type StatementSigner } from '../choices/statement-signer.ts';
import type { CommandContext } from '../grammar/command.ts';
import { DEFAULT_VERIFIER, EVIDENCE_SIGNING_FLAGS } from '../flags/evidence-flags.ts';
import { snapshotBundlePath } from '../flags/snapshot-flags.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { checkOutputFolder, writeOutputFolder } from '../terminal/output-folder.ts';
import { auditHtml } from '../report/audit-html.ts';
import { auditMarkdown } from '../report/audit-markdown.ts';
import { auditReport } from '../report/audit-report.ts';
import {
  evidenceMarkdown,
  evidenceReport,
  evidenceText,
  type EvidenceReport,
  type ReportedSummary,
} from '../report/evidence-report.ts';

const EVIDENCE_PREDICATE = 'https://sealwright.dev/audit-evidence/v1';
const LIST = 'SHA256SUMS';

/**
 * Puts together what an auditor asks for: everything is read, verified and signed before the folder is there.
 *
 * @throws UsageError USAGE_WOULD_OVERWRITE, USAGE_BAD_FLAG, USAGE_FILE; as `snapshotSeries`, `drilledTime` and `statementSigner`
 */
export async function packEvidence(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const out = flags.required('out');
  checkOutputFolder(out);
  const verifier = verifierUri(flags.string('verifier') ?? DEFAULT_VERIFIER);
  const snapshots = await readSnapshots(context);
  const newest = snapshots.at(-1)?.snapshot;
  if (newest === undefined) throw new InvariantError('a series without a snapshot');
  const signer = await statementSigner(context, EVIDENCE_SIGNING_FLAGS);
  try {
    const files = new Map<string, Uint8Array | string>();
    const snapshotFiles = keepSnapshots(files, snapshots);
    const policies = await keepPolicies(context, files);
    const drills = flags.list('drill').map((path) => ({ path, text: readTextFile(path) }));
    const drillFiles = keepTexts(files, 'drills', drills);
    const drilled = await drilledTime(
      context,
      newest.takenAt,
      drills.map(({ text }) => text),
    );
    const reportFiles = keepReport(files, snapshots, drilled);
    const found = verificationSummaries(newest, { id: verifier });
    const controls = controlEvidence({
      figures: auditFigures(newest),
      notLookedAt: newest.notLookedAt.length,
      snapshots: snapshots.map(({ signature }, index) => ({
        file: snapshotFiles[index] ?? '',
        isVerified: signature.state === 'verified',
      })),
      summaries: found,
      policyFiles: policies.files,
      arePoliciesProven: policies.digest === newest.policies.digest,
      drillFiles,
      drilled,
      reportFiles,
    });
    const summaries = await keepSummaries(files, found, signer);
    const report = evidenceReport(
      snapshots.map(({ snapshot }) => snapshot),
      verifier,
      controls,
      summaries,
      signer !== undefined,
    );
    files.set('evidence.json', `${JSON.stringify(report, undefined, 1)}\n`);
    files.set('README.md', evidenceMarkdown(report));
    await seal(files, report, signer);
    writeOutputFolder(out, files);
    terminal.progress(terminal.done(`${out}   ${files.size} files`));
    tell(context, report);
  } finally {
    signer?.close();
  }
}

/** By the time they were taken, and all of one system. */
async function readSnapshots(context: CommandContext): Promise<readonly SnapshotFile[]> {
  const files = [...(await snapshotSeries(context))].sort(
    (a, b) => a.snapshot.takenAt.getTime() - b.snapshot.takenAt.getTime(),
  );
  checkOneSystem(
    files.map(({ snapshot }) => snapshot),
    context.flags.string('system'),
  );
  return files;
}

type Files = Map<string, Uint8Array | string>;

/** With their signatures, under names that sort by time. */
function keepSnapshots(files: Files, snapshots: readonly SnapshotFile[]): readonly string[] {
  return snapshots.map(({ snapshot, bytes, bundle }, index) => {
    const number = String(index + 1).padStart(String(snapshots.length).length, '0');
    const name = `snapshots/${number}-${snapshot.takenAt.toISOString().replaceAll(':', '')}.json`;
    files.set(name, bytes);
    if (bundle !== undefined) files.set(snapshotBundlePath(name), bundle);
    return name;
  });
}

async function keepPolicies(
  context: CommandContext,
  files: Files,
): Promise<{ readonly files: readonly string[]; readonly digest?: string }> {
  const { flags } = context;
  const places = flags.list('policy');
  if (places.length === 0) return { files: [] };
  const texts = await policyTexts(context, [...places, ...flags.list('trustroot')]);
  const { policies } = await policiesInTexts(context, texts, places);
  return { files: keepTexts(files, 'policies', texts), digest: policyFacts(context, policies).digest };
}

function keepTexts(files: Files, folder: string, texts: readonly PolicyText[]): readonly string[] {
  return texts.map(({ path, text }, index) => {
    const name = numbered(folder, index, path);
    files.set(name, text);
    return name;
  });
}

/** Two files of one name stay two, and no name leads out of the folder. */
function numbered(folder: string, index: number, path: string): string {
  const safe = basename(path)
    .replace(/[^\w.-]/g, '_')
    .slice(-100);
  return `${folder}/${String(index + 1).padStart(2, '0')}-${safe}`;
}

async function keepSummaries(
  files: Files,
  found: readonly DigestSummary[],
  signer: StatementSigner | undefined,
): Promise<readonly ReportedSummary[]> {
  const summaries: ReportedSummary[] = [];
  for (const summary of found) {
    const { digest, result, state, reason } = summary;
    const told = { digest, result, state, ...(reason === undefined ? {} : { reason }) };
    if (summary.result === 'none') {
      summaries.push(told);
      continue;
    }
    const hex = digest.slice(digest.indexOf(':') + 1);
    const file = `vsa/sha256-${hex}.json`;
    files.set(file, encodeStatement(summary.statement));
    const signed = await signer?.sign(digest, hex, summary.statement);
    if (signed !== undefined) files.set(snapshotBundlePath(file), signed.bundleJson);
    summaries.push({ ...told, file });
  }
  return summaries;
}

/** From the first to the last, where there are two. */
function keepReport(
  files: Files,
  snapshots: readonly SnapshotFile[],
  drilled: Awaited<ReturnType<typeof drilledTime>>,
): readonly string[] {
  const [before, after] = [snapshots.at(0), snapshots.at(-1)];
  if (before === undefined || after === undefined || before === after) return [];
  const report = auditReport(compareAudits(before.snapshot, after.snapshot), { drilled, before, after });
  files.set('report.md', auditMarkdown(report));
  files.set('report.html', auditHtml(report));
  return ['report.md', 'report.html'];
}

/** The list of all files, as `sha256sum -c` reads it, and who stands for it. */
async function seal(files: Files, report: EvidenceReport, signer: StatementSigner | undefined): Promise<void> {
  const lines = [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, content]) => `${encodeHex(sha256(typeof content === 'string' ? utf8(content) : content))}  ${name}\n`);
  const list = lines.join('');
  files.set(LIST, list);
  const hex = encodeHex(sha256(utf8(list)));
  const { system, from, to, controls } = report;
  const signed = await signer?.sign(LIST, hex, {
    type: STATEMENT_V1,
    subjects: [{ name: LIST, digests: new Map([['sha256', hex]]) }],
    predicateType: EVIDENCE_PREDICATE,
    predicate: {
      ...{ system, from, to },
      controls: controls.map(({ framework, control, state }) => ({ framework, control, state })),
    },
  });
  if (signed !== undefined) files.set(snapshotBundlePath(LIST), signed.bundleJson);
}

function tell({ flags, terminal }: CommandContext, report: EvidenceReport): void {
  if (flags.string('output') === 'json') {
    terminal.result(JSON.stringify(report, undefined, 2));
    return;
  }
  for (const line of evidenceText(report)) terminal.result(line);
}

/** @throws UsageError USAGE_BAD_FLAG */
function verifierUri(text: string): string {
  if (/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) && URL.canParse(text)) return text;
  throw new UsageError('USAGE_BAD_FLAG', '--verifier is no URI', {
    found: text.slice(0, 100),
    expected: `one such as ${DEFAULT_VERIFIER}`,
  });
}
