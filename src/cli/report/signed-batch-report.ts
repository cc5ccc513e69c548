import { renderError, type SealwrightError } from '../../errors.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import type { ImageOutcome } from '../../workflows/sign/sign-images.ts';
import type { SignedImage } from '../../workflows/sign/signed-image.ts';
import type { CommandContext } from '../grammar/command.ts';
import { ReportedFailure } from '../terminal/failure.ts';
import { nextSteps, reportSignedImage, signedImageRecord, type SignatureOrigin } from './signed-image-report.ts';

/** What became of one image: with what to do next, or only named where the command's end tells why it failed. */
export function reportOutcome(context: CommandContext, outcome: ImageOutcome, origin: SignatureOrigin): void {
  if (outcome.kind === 'signed') reportImages(context, outcome.images, origin);
  else reportFailed(context, outcome);
}

/** The image that was named, with what to do next; of what an index names, only that it is signed too. */
function reportImages(
  { flags, terminal }: CommandContext,
  images: readonly SignedImage[],
  origin: SignatureOrigin,
): void {
  const isJson = flags.string('output') === 'json';
  for (const [index, signed] of images.entries()) {
    const next = nextSteps(signed, origin);
    if (isJson) terminal.result(JSON.stringify(signedImageRecord(signed, next)));
    const digest = signed.digest.toString();
    const done = signed.isNew ? 'signed   ' : 'was signed';
    if (index > 0) {
      terminal.progress(terminal.done(`${done} ${digest}, which the index names`));
      continue;
    }
    if (signed.isTagResolved) {
      terminal.warn(`tag resolved to ${digest}; that digest ${signed.isNew ? 'is' : 'was'} signed`);
    }
    if (!signed.isNew) {
      terminal.progress(
        terminal.done('was signed so before; nothing was asked for, logged or pushed (--force signs again)'),
      );
    }
    reportSignedImage(terminal, signed, next);
  }
}

function reportFailed(
  { flags, terminal }: CommandContext,
  { reference, error, leftBehind }: ImageOutcome & { readonly kind: 'failed' },
): void {
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(failedRecord(reference, error)));
  for (const { subject, referrer } of leftBehind) {
    terminal.warn(
      `the signature of ${subject.toString()} stays (${referrer.toString()}): the registry does not delete`,
    );
  }
}

/** What `-o json` says of an image that could not be signed or attested. */
export function failedRecord(reference: ImageReference, { code, message, facts }: SealwrightError): object {
  const { found, expected, fix } = facts;
  return { image: reference.toString(), outcome: 'failed', error: { code, message, found, expected, fix } };
}

/** A line for many images. */
export function tellTotal({ terminal }: CommandContext, outcomes: readonly ImageOutcome[]): void {
  const failed = outcomes.filter(({ kind }) => kind === 'failed').length;
  const fresh = outcomes.filter(
    (outcome) => outcome.kind === 'signed' && outcome.images.some(({ isNew }) => isNew),
  ).length;
  const text = `${fresh} signed, ${outcomes.length - failed - fresh} signed before, ${failed} failed`;
  terminal.progress(failed === 0 ? terminal.done(text) : text);
}

interface Ending {
  readonly reference: ImageReference;
  readonly error?: SealwrightError;
}

/**
 * Ends the command when an image could not be signed or attested: with its error, or with each error and the images that it kept from
 * it. The exit code is the first one's.
 *
 * @throws SealwrightError or ReportedFailure
 */
export function failUnlessDone(outcomes: readonly Ending[]): void {
  const failed = outcomes.flatMap(({ reference, error }) => (error === undefined ? [] : [{ reference, error }]));
  const [first] = failed;
  if (first === undefined) return;
  if (outcomes.length === 1) throw first.error;
  const byText = new Map<string, string[]>();
  for (const { reference, error } of failed) {
    const text = renderError(error);
    byText.set(text, [...(byText.get(text) ?? []), `  of:       ${reference.toString()}`]);
  }
  const texts = [...byText].map(([text, names]) => [text, ...names].join('\n'));
  throw new ReportedFailure(texts.join('\n'), first.error.exitCode);
}
