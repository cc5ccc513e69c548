import { decideRefused, type ImageDecision } from '../../core/policy/judgement/image-decision.ts';
import { pinnedName, type PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import { revokedError } from '../../core/revocation/revocation-index.ts';
import type { RevocationView } from './revocation-state.ts';

/** The refusal of an image that is revoked: whatever policies are about, and whoever has signed it. */
export function decideRevoked(image: PinnedImage, revocations: RevocationView | undefined): ImageDecision | undefined {
  const revocation = revocations?.index.image([image.digest.toString()]);
  return revocation === undefined ? undefined : decideRefused(revokedError(pinnedName(image), revocation));
}

/** That nothing newer is known about revocations never makes good what is refused. */
export function withStaleness(decision: ImageDecision, revocations: RevocationView | undefined): ImageDecision {
  const staleness = revocations?.staleness;
  if (staleness === undefined || staleness.effect === 'none' || decision.action === 'deny') return decision;
  if (staleness.effect === 'refuse') return { ...decision, action: 'deny', denials: [staleness.error] };
  return { ...decision, action: 'warn', warnings: [...decision.warnings, staleness.error] };
}

/** What is revoked with no more than a warning: the image, or a signature that it passed by. */
export function withRevocationWarnings(
  decision: ImageDecision,
  image: PinnedImage,
  revocations: RevocationView | undefined,
): ImageDecision {
  const bundles = decision.judgements.flatMap((judgement) => (judgement.outcome === 'passed' ? judgement.bundles : []));
  const found = revocations?.index.warnings([image.digest.toString()], bundles) ?? [];
  if (found.length === 0) return decision;
  const warnings = [...decision.warnings, ...found.map((one) => revokedError(pinnedName(image), one))];
  return { ...decision, action: decision.action === 'allow' ? 'warn' : decision.action, warnings };
}
