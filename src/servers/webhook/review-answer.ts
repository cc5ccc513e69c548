import type { AdmissionAnswer, AdmissionRequest } from '../../core/wire/admission-review.ts';
import { InvariantError, renderError, SealwrightError } from '../../errors.ts';
import type { ReviewAdmission, ReviewOutcome } from '../../workflows/admission/admit-review.ts';
import type { ReviewResult } from '../../workflows/admission/decision-record.ts';
import type { Logger } from '../shell/logger.ts';

/** Never rejects: an error that reached the API server could be taken for leave to admit (failurePolicy Ignore). */
export async function answerReview(
  { operation, namespace, name, resource, isDryRun }: AdmissionRequest,
  admit: () => Promise<ReviewOutcome>,
  { stage, logger }: { stage: ReviewAdmission['stage']; logger: Logger | undefined },
): Promise<{ readonly result: ReviewResult; readonly answer: AdmissionAnswer }> {
  const facts = { stage, operation, resource: resource.resource, namespace, name, isDryRun };
  try {
    const { answer, decision, images } = await admit();
    const names = images.map(({ pinned, text }) => pinned ?? text);
    if (decision !== 'unseen') logger?.info({ ...facts, decision, images: names }, 'decided');
    return { result: { decision, images }, answer };
  } catch (error) {
    const known = error instanceof SealwrightError ? error : new InvariantError('internal error', { cause: error });
    logger?.error({ ...facts, error }, 'review failed');
    return { result: { error: known }, answer: refusal(known) };
  }
}

function refusal(error: SealwrightError): AdmissionAnswer {
  const [code, reason] =
    error.code === 'LIMIT_BUSY'
      ? ([429, 'TooManyRequests'] as const)
      : error.httpStatus < 500
        ? ([400, 'BadRequest'] as const)
        : ([500, 'InternalError'] as const);
  return {
    isAllowed: false,
    status: { code, reason, message: renderError(error) },
    warnings: [],
    auditAnnotations: { decision: 'error' },
    patch: [],
  };
}
