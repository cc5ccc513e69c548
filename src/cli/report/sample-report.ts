import { workloadOf, type AuditEntry, type AuditState } from '../../core/audit/audit-entry.ts';
import { unitName, type AuditSample, type SampledUnit } from '../../core/audit/audit-sample.ts';
import { contentDigest, type AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import type { SnapshotSignature } from '../../core/audit/snapshot-statement.ts';
import { columns } from './columns.ts';
import { code, text } from './markdown-text.ts';
import { signatureText } from './signature-text.ts';

const SCHEMA = 'urn:sealwright:audit-sample:v1';
const ALGORITHM =
  'lowest SHA-256 of "sealwright audit sample v1", the seed and the name of the unit, each but the last with a line feed behind it';
const SHORT = 12;

/** Which file a snapshot was read from, and who stands for it. */
export interface SampledFile {
  readonly path: string;
  readonly digest: string;
  readonly signature: SnapshotSignature;
}

/** A sample as data; every format is made from it. */
export interface SampleDocument {
  readonly schema: typeof SCHEMA;
  readonly system: string;
  readonly algorithm: string;
  readonly seed: string;
  readonly asked: number;
  readonly frame: {
    readonly units: number;
    readonly digest: string;
    readonly states: readonly AuditState[];
    /** What is in no frame, because nobody looked at it. */
    readonly notLookedAt: number;
    readonly snapshots: readonly (SampledFile & { readonly takenAt: string; readonly contentDigest: string })[];
  };
  readonly units: readonly ReportedUnit[];
}

type ReportedUnit = Omit<AuditEntry, 'pods'> & {
  readonly draw: string;
  readonly name: string;
  readonly file: string;
  readonly takenAt: string;
};

export function sampleDocument(
  { seed, frame, units }: AuditSample,
  asked: number,
  fileOf: (snapshot: AuditSnapshot) => SampledFile,
): SampleDocument {
  return {
    schema: SCHEMA,
    system: frame.snapshots[0]?.system ?? '',
    algorithm: ALGORITHM,
    seed,
    asked,
    frame: {
      units: frame.units,
      digest: frame.digest,
      states: frame.states,
      notLookedAt: frame.snapshots.reduce((sum, { notLookedAt }) => sum + notLookedAt.length, 0),
      snapshots: frame.snapshots.map((snapshot) => {
        const { path, digest, signature } = fileOf(snapshot);
        const takenAt = snapshot.takenAt.toISOString();
        return { path, digest, signature, takenAt, contentDigest: contentDigest(snapshot) };
      }),
    },
    units: units.map((unit) => reported(unit, fileOf(unit.snapshot).path)),
  };
}

function reported({ draw, snapshot, entry }: SampledUnit, file: string): ReportedUnit {
  const { pods: _, ...rest } = entry;
  return { draw, name: unitName(snapshot, entry), file, takenAt: snapshot.takenAt.toISOString(), ...rest };
}

export function sampleText(document: SampleDocument): readonly string[] {
  const rows = document.units.map((unit, index) => [
    String(index + 1),
    unit.draw.slice(0, SHORT),
    unit.takenAt,
    unit.state,
    workloadOf(unit),
    unit.image,
    evidenceText(unit),
  ]);
  return [
    ...frameLines(document),
    '',
    columns([['', 'DRAW', 'SNAPSHOT', 'STATE', 'WORKLOAD', 'IMAGE', 'EVIDENCE'], ...rows]),
  ];
}

export function sampleMarkdown(document: SampleDocument): string {
  const { system, frame, units } = document;
  return `${[
    `# ${text(system)}: a sample`,
    '',
    ...frameLines(document).map((line) => `- ${text(line)}`),
    ...frame.snapshots.map(
      ({ path, digest, signature }) => `- ${code(path)}: file ${code(digest)}; ${text(signatureText(signature))}`,
    ),
    '',
    '|  | Draw | Snapshot | State | Workload | Image | Evidence |',
    '|---:|---|---|---|---|---|---|',
    ...units.map(
      (unit, index) =>
        `| ${index + 1} | ${code(unit.draw.slice(0, SHORT))} | ${unit.takenAt} | ${unit.state} | ${code(workloadOf(unit))} | ${code(unit.image)} | ${text(evidenceText(unit))} |`,
    ),
  ].join('\n')}\n`;
}

function frameLines({ system, asked, seed, frame, units, algorithm }: SampleDocument): readonly string[] {
  const { snapshots, states, notLookedAt } = frame;
  const [first, last] = [snapshots[0]?.takenAt ?? '', snapshots.at(-1)?.takenAt ?? ''];
  const which = states.length === 0 ? 'every state' : states.join(', ');
  return [
    `${system}: ${units.length} of ${frame.units} units, ${asked} asked for, seed ${seed}`,
    `frame: places of containers in ${which}, of ${snapshots.length} snapshots from ${first} to ${last}; ${frame.digest}`,
    `not in the frame: ${notLookedAt} things that the snapshots say were not looked at`,
    `drawn by: ${algorithm}`,
  ];
}

/** What its state rests on. */
function evidenceText({ state, signers, policies, code: reasonCode, reason, cause, exception }: ReportedUnit): string {
  const by = signers.map(({ name }) => name).join('; ');
  const parts = [
    ...(by === '' ? [] : [`signed by ${by}`]),
    ...(state === 'verified' ? [`passed by ${policies.join(', ')}`] : []),
    ...(cause === undefined ? [] : [cause]),
    ...(reasonCode === undefined ? [] : [`${reasonCode}: ${reason ?? ''}`]),
    ...(exception === undefined ? [] : [`${exception.name} of ${exception.owner} until ${exception.expires}`]),
  ];
  return parts.join('; ');
}
