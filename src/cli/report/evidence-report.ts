import type { ControlEvidence } from '../../core/audit/evidence-controls.ts';
import type { AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import type { DigestSummary } from '../../core/audit/verification-summary.ts';
import { code, text } from './markdown-text.ts';

/** What stands in `evidence.json` of a pack, and on stdout. */
export interface EvidenceReport {
  readonly schema: 'urn:sealwright:audit-evidence:v1';
  readonly system: string;
  /** RFC 3339: the moments of the first and the last snapshot. */
  readonly from: string;
  readonly to: string;
  readonly verifier: string;
  readonly controls: readonly ControlEvidence[];
  readonly summaries: readonly ReportedSummary[];
  readonly signed: boolean;
}

export interface ReportedSummary {
  readonly digest: string;
  readonly result: DigestSummary['result'];
  readonly state: DigestSummary['state'];
  readonly reason?: string;
  /** In the pack; none where there is no result. */
  readonly file?: string;
}

export function evidenceReport(
  snapshots: readonly AuditSnapshot[],
  verifier: string,
  controls: readonly ControlEvidence[],
  summaries: readonly ReportedSummary[],
  signed: boolean,
): EvidenceReport {
  const [first, last] = [snapshots.at(0), snapshots.at(-1)];
  return {
    schema: 'urn:sealwright:audit-evidence:v1',
    system: last?.system ?? '',
    from: first?.takenAt.toISOString() ?? '',
    to: last?.takenAt.toISOString() ?? '',
    verifier,
    controls,
    summaries,
    signed,
  };
}

/** The first page of a pack: controls, where their evidence is, and what is missing. */
export function evidenceMarkdown(report: EvidenceReport): string {
  const { system, from, to, controls, summaries, signed, verifier } = report;
  const without = summaries.filter(({ result }) => result === 'none');
  const count = (result: string): number => summaries.filter((one) => one.result === result).length;
  return `${[
    `# Evidence: ${text(system)}`,
    '',
    `From ${from} to ${to}. Every state is a verification that ran; what nobody could tell is missing evidence, never evidence.`,
    '',
    '| Framework | Control | Asks | State | Evidence | Missing |',
    '|---|---|---|---|---|---|',
    ...controls.map(
      ({ framework, control, asks, state, evidence, missing }) =>
        `| ${framework} | ${control} | ${asks} | ${state.replace('-', ' ')} | ${evidence.map(code).join(', ')} | ${text(missing.join('; '))} |`,
    ),
    '',
    "Which control asks for what is this program's reading. Whether the evidence is enough is the auditor's.",
    '',
    '## Summaries by digest',
    '',
    `${count('PASSED')} passed, ${count('FAILED')} failed, ${without.length} without a result. Each is a verification summary of SLSA v1 in ${code('vsa/')}, by ${text(verifier)}.`,
    ...(without.length === 0 ? [] : ['', '| Without a result | State | Why |', '|---|---|---|']),
    ...without.map(({ digest, state, reason }) => `| ${code(digest)} | ${state} | ${text(reason ?? '')} |`),
    '',
    '## Checking this folder',
    '',
    `${code('sha256sum -c SHA256SUMS')} holds every file against the list of all.${
      signed
        ? ` The list is signed: ${code('sealwright verify-blob-attestation --bundle SHA256SUMS.sigstore.json --type https://sealwright.dev/audit-evidence/v1 SHA256SUMS')} with the identity that you expect. So is each summary, in the ${code('.sigstore.json')} beside it.`
        : ' Nothing in it is signed (--sign).'
    }`,
  ].join('\n')}\n`;
}

/** For a terminal. */
export function evidenceText({ controls, summaries }: EvidenceReport): readonly string[] {
  const width = Math.max(...controls.map(({ control }) => control.length));
  const count = (result: string): number => summaries.filter((one) => one.result === result).length;
  return [
    ...controls.map(({ framework, control, state, missing }) =>
      `${framework.padEnd(5)}  ${control.padEnd(width)}  ${state.replace('-', ' ').padEnd(9)}  ${missing.join('; ')}`.trimEnd(),
    ),
    `summaries by digest: ${count('PASSED')} passed, ${count('FAILED')} failed, ${count('none')} without a result`,
  ];
}
