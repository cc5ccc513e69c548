import type { CopyOutcome, RungOutcome } from '../../core/audit/running-copy.ts';
import type { Sweep } from '../../workflows/revocation/sweep-running-copies.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { visibleText } from '../terminal/visible-text.ts';

const SCHEMA = 'urn:sealwright:revoke-watch:v1';

const WORDS: Readonly<Record<RungOutcome['result'], string>> = {
  done: 'done',
  'would-do': 'would be done',
  budget: 'refused now by a disruption budget',
  forbidden: 'not allowed to whoever runs this: it stays on the rung below',
  failed: 'failed',
  gone: 'gone before',
};

/** One look as data, on one line. */
export function sweepDocument(sweep: Sweep, version: number | undefined, at: Date): object {
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    lookedAt: at.toISOString(),
    ...(version === undefined ? {} : { revocations: version }),
    pods: sweep.pods,
    copies: sweep.copies,
    notLookedAt: sweep.notLookedAt,
  };
}

export function sweepText(
  { pods, copies, notLookedAt }: Sweep,
  version: number | undefined,
  isAnythingRevoked: boolean,
): readonly string[] {
  const news = version === undefined ? 'nobody tells of revocations' : `revocations version ${version}`;
  if (!isAnythingRevoked) return [`nothing is revoked: no pod was looked at (${news})`];
  return [
    `${pods} pods looked at, ${copies.length} run what is revoked (${news})`,
    ...copies.flatMap(copyText),
    ...(copies.length === 0
      ? []
      : ['new copies are refused by admission wherever the webhook has the same revocations']),
    ...notLookedAt.map(({ what, reason }) => visibleText(`not looked at: ${what}: ${reason}`)),
  ];
}

function copyText({ namespace, pod, owner, images, rungs, leftAlone }: CopyOutcome): readonly string[] {
  return [
    visibleText(`${namespace}/${pod} (${owner})`),
    ...images.map(({ image, reason }) => visibleText(`  REVOKED ${image}: ${reason}`)),
    ...rungs.map(({ rung, result, detail }) =>
      visibleText(`  ${rung}: ${WORDS[result]}${detail === undefined ? '' : ` (${detail})`}`),
    ),
    ...(leftAlone === undefined ? [] : [visibleText(`  left alone: ${leftAlone}`)]),
  ];
}
