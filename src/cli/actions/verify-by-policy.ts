import { parseReference } from '../../core/image/reference.ts';
import { renderError, UsageError, type SealwrightError } from '../../errors.ts';
import type { AdmittedImage } from '../../workflows/admission/image-admission.ts';
import type { ReportedPolicy, VerificationReport } from '../../workflows/verify/verification-report.ts';
import { chosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal } from '../choices/rehearsal-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { ReportedFailure } from '../terminal/failure.ts';
import { DETACHED_IMAGE_FLAGS } from '../flags/detached-flags.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
import { LOCAL_IMAGE_FLAG } from '../flags/image-flags.ts';
import {
  CHECK_CLAIMS_FLAG,
  CHECK_FLAGS,
  GIVEN_AUTHORITY_FLAGS,
  GIVEN_CERTIFICATE_FLAGS,
  LOG_SEARCH_FLAG,
} from '../flags/material-flags.ts';
import { TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';
import { documentOf, printReport, tellSubject } from '../report/report-output.ts';

/** What policies say themselves, or what the webhook has no part in. */
const EXCLUDED = [
  SIGNER_FLAGS,
  CHECK_FLAGS,
  DETACHED_IMAGE_FLAGS,
  GIVEN_AUTHORITY_FLAGS,
  GIVEN_CERTIFICATE_FLAGS,
  [CHECK_CLAIMS_FLAG, LOCAL_IMAGE_FLAG, LOG_SEARCH_FLAG, TAG_PREFIX_FLAG, { name: 'annotations' }],
].flatMap((flags) => flags.map(({ name }) => name));

/** For an image that stands in no object: no `match` is about it, and no policy of a namespace. */
const NO_OBJECT = { group: '', version: '', resource: '', labels: new Map<string, string>() };

/**
 * Judges images by policy files, with the webhook's own code: its decision, in its words. An image that no policy is about is
 * refused.
 *
 * @throws the error of the image that is refused, or of them all; UsageError; FormatError FORMAT_POLICY; as `openRehearsal`
 */
export async function verifyByPolicy(context: CommandContext, names: readonly string[]): Promise<void> {
  const { flags, terminal } = context;
  for (const name of EXCLUDED) if (flags.isDeclared(name)) flags.exclude('policy', name);
  refuseCosignForms(context);
  const places = flags.list('policy');
  const { policies, exceptions } = await chosenPolicies(context, places);
  const opened = await openRehearsal(context, [policies]);
  terminal.progress(`  trust from ${opened.trustSource}`);
  try {
    const admitted: AdmittedImage[] = [];
    for (const text of names) {
      const image = { text, object: NO_OBJECT, namespace: '', access: opened.access };
      admitted.push(await opened.rehearsal.decide(image, { policies, exceptions, noMatch: 'deny' }));
    }
    const reports = admitted.map((image, index) => policyReport(names[index] ?? '', image));
    const warnings = admitted.flatMap(({ decision }) => decision.warnings);
    for (const warning of warnings) terminal.warn(renderError(warning));
    const run = {
      trustSource: opened.trustSource,
      signers: policies.policies.map(({ name }) => `policy ${name}`),
      require: 'policy',
      warnings: warnings.map(({ code, message }) => `${code}  ${message}`),
    };
    const document = documentOf(context, run, reports);
    for (const subject of document.subjects) tellSubject(context, subject);
    printReport(context, document, () => [JSON.stringify(document)]);
    failIfDenied(admitted.flatMap(({ decision }) => decision.denials));
  } finally {
    await opened.close();
  }
}

/** cosign's array is about signatures, and there is none of that shape for a decision. */
function refuseCosignForms({ flags }: CommandContext): void {
  const format = flags.string('output');
  if (format !== 'cosign' && format !== 'text') return;
  throw new UsageError('USAGE_BAD_FLAG', 'cosign has no output for what policies decide', {
    found: `--policy and -o ${format}`,
    expected: 'table, json, jsonl, sarif, junit, markdown or github',
  });
}

function policyReport(name: string, { decision, image }: AdmittedImage): VerificationReport {
  const [error] = decision.denials;
  const digest = !image?.includes('@') ? undefined : parseReference(image).digest?.toString();
  return {
    subject: { kind: 'image', name, ...(digest === undefined ? {} : { digest }) },
    signatures: [],
    otherPredicateTypes: [],
    unreadFormats: [],
    policies: decision.judgements.map((judgement): ReportedPolicy => ({
      name: judgement.policy,
      outcome: judgement.outcome,
      reason:
        judgement.outcome === 'passed'
          ? `${judgement.signer} (${judgement.authority})`
          : `${judgement.error.code} ${judgement.error.message}`,
    })),
    ...(error === undefined ? {} : { error }),
  };
}

/** @throws SealwrightError or ReportedFailure */
function failIfDenied(denials: readonly SealwrightError[]): void {
  const [first] = denials;
  if (first === undefined) return;
  if (denials.length === 1) throw first;
  throw new ReportedFailure(denials.map(renderError).join('\n'), first.exitCode);
}
