import type { Hono } from 'hono';
import type { PolicyParserOptions } from '../../core/policy/cluster-image/cluster-image-policy-parser.ts';
import type { PolicyProgram } from '../../core/policy/cluster-image/cluster-image-policy.ts';
import { ADMISSION_LIMITS, encodeAdmissionReview, parseAdmissionReview } from '../../core/wire/admission-review.ts';
import type { TrustRootSource } from '../../core/policy/cluster-image/trust-root-parser.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { evaluateProgram, kyvernoEvaluation, type EnginesSource } from '../../workflows/admission/policy-evaluation.ts';
import { readTrustRoot } from '../../workflows/trust/trust-root-source.ts';
import { readBody } from '../shell/body.ts';
import type { Logger } from '../shell/logger.ts';
import { reviewPolicy } from './policy-review.ts';

interface PolicyRoutesOptions {
  /** As they are now. */
  readonly rules: () => PolicyParserOptions;
  readonly engines: EnginesSource | undefined;
  readonly logger: Logger | undefined;
  readonly now: () => Date;
}

/** A document that programs are compiled beside; what they find about it is of no interest. */
const NOTHING = '{}';
/** What is in an object is read without asking anybody. */
const NOBODY = new HttpClient({ offline: true });

/** `POST /defaulting` and `POST /validating`: about the policies themselves, at policy-controller's own paths. */
export function mountPolicyReviews(routes: Hono, { engines, logger, rules, now }: PolicyRoutesOptions): void {
  const compile = async ({ language }: PolicyProgram, text: string): Promise<void> => {
    if (engines !== undefined) await evaluateProgram(await engines(), language, text, NOTHING);
  };
  const openRepository = (source: TrustRootSource): Promise<unknown> =>
    readTrustRoot('it', source, { http: NOBODY, now });
  for (const stage of ['defaulting', 'validating'] as const) {
    routes.post(`/${stage}`, async (context) => {
      const request = parseAdmissionReview(await readBody(context.req.raw, ADMISSION_LIMITS.maxBytes));
      const answer = await reviewPolicy(request, stage, {
        ...rules(),
        ...kyvernoEvaluation(engines),
        now: now(),
        compile,
        openRepository,
      });
      if (!answer.isAllowed)
        logger?.info({ stage, name: request.name, reason: answer.status?.message }, 'policy refused');
      return context.body(encodeAdmissionReview(request.uid, answer), 200, { 'content-type': 'application/json' });
    });
  }
}
