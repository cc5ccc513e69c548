import type { AuditFigures } from './audit-figures.ts';
import type { DigestSummary } from './verification-summary.ts';
import type { TimeToRevoke } from './time-to-revoke.ts';

/** What a pack has, as far as controls ask for it. */
export interface EvidenceFacts {
  /** Of the newest snapshot. */
  readonly figures: AuditFigures;
  readonly notLookedAt: number;
  readonly snapshots: readonly { readonly file: string; readonly isVerified: boolean }[];
  readonly summaries: readonly DigestSummary[];
  readonly policyFiles: readonly string[];
  /** Whether they are those that the newest snapshot was judged by, by their digest. */
  readonly arePoliciesProven: boolean;
  readonly drillFiles: readonly string[];
  readonly drilled: TimeToRevoke;
  readonly reportFiles: readonly string[];
}

export type ControlState = 'shown' | 'partly' | 'not-shown';

/** One control, what of it this pack shows, and what it does not. */
export interface ControlEvidence {
  readonly framework: 'SLSA' | 'SOC 2';
  readonly control: string;
  /** In our words: what an auditor will look for. */
  readonly asks: string;
  readonly state: ControlState;
  /** Files of the pack. */
  readonly evidence: readonly string[];
  /** What is missing of it; empty where it is shown. */
  readonly missing: readonly string[];
}

/** A fact that a control asks for, and what it says when it is not one. */
type Demand = readonly [holds: boolean, missing: string];

/**
 * Controls and the evidence for them. The mapping is ours: it says where to look, and an auditor says whether that is enough. What nobody
 * could tell is missing evidence, never evidence.
 */
export function controlEvidence(facts: EvidenceFacts): readonly ControlEvidence[] {
  const {
    figures,
    notLookedAt,
    snapshots,
    summaries,
    policyFiles,
    arePoliciesProven,
    drillFiles,
    drilled,
    reportFiles,
  } = facts;
  const files = snapshots.map(({ file }) => file);
  const newest = files.slice(-1);
  const unsummed = summaries.filter(({ result }) => result === 'none').length;
  const { containers, exceptions } = figures;
  const unproven = containers['signed-untrusted'] + containers.unsigned + containers.revoked;
  const determined: Demand = [
    containers.undetermined === 0,
    `of ${containers.undetermined} containers nobody could tell`,
  ];
  const seen: Demand = [notLookedAt === 0, `${notLookedAt} things were not looked at`];
  const signed = snapshots.filter(({ isVerified }) => isVerified).length;
  return [
    control(
      'SLSA',
      'Verifying artifacts',
      'each artifact has a dated result against a policy',
      [...newest, 'vsa/'],
      [
        [summaries.length > unsummed, 'no digest has a result'],
        [unsummed === 0, `${unsummed} digests have no result`],
        seen,
      ],
    ),
    control(
      'SOC 2',
      'CC6.1, CC6.8',
      'only what authorised identities have built is deployed',
      [...policyFiles, ...newest],
      [
        [policyFiles.length > 0, 'the policies are not in the pack (--policy)'],
        [arePoliciesProven, 'they are not proven to be those that the snapshot was judged by'],
        [figures.withoutRule === 0, `no policy is about ${figures.withoutRule} containers`],
        [unproven === 0, `${unproven} containers would be refused`],
        determined,
      ],
    ),
    control(
      'SOC 2',
      'CC7.1, CC7.2',
      'it is watched, on a schedule',
      [...files, ...reportFiles],
      [
        [snapshots.length > 1, 'one snapshot is no series'],
        [
          signed === snapshots.length,
          `${snapshots.length - signed} snapshots are not proven to be signed by the auditor`,
        ],
        seen,
      ],
    ),
    control('SOC 2', 'CC7.3 to CC7.5', 'incidents are answered, and the answer is tried', drillFiles, [
      [drillFiles.length > 0, 'no drill is in the pack (--drill)'],
      [!drilled.isDue, drilled.text],
    ]),
    control('SOC 2', 'CC8.1', 'what runs leads to who built it; exceptions have an owner and an end', newest, [
      [containers.verified > 0, 'nothing leads to who built it'],
      [unproven === 0, `${unproven} containers do not`],
      [figures.keyBasedShare === 0, 'some rest on keys, which say who holds them and not what built the image'],
      [exceptions.pastExpiry === 0, `${exceptions.pastExpiry} exceptions are past their end`],
    ]),
    control('SOC 2', 'PI1.4', 'the status of each image is known', newest, [
      [summaries.length > 0, 'there is no image'],
      determined,
      seen,
    ]),
  ];
}

/** Nothing of the first demand is nothing at all; anything else that fails is a part. */
function control(
  framework: ControlEvidence['framework'],
  name: string,
  asks: string,
  evidence: readonly string[],
  demands: readonly Demand[],
): ControlEvidence {
  const missing = demands.filter(([holds]) => !holds).map(([, text]) => text);
  const isAbsent = demands[0]?.[0] === false;
  return {
    framework,
    control: name,
    asks,
    state: missing.length === 0 ? 'shown' : isAbsent ? 'not-shown' : 'partly',
    evidence,
    missing,
  };
}
