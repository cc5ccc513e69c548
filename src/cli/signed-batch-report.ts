import { renderError, type SealwrightError } from '../errors.ts';
import type { ImageOutcome } from '../workflows/sign-images.ts';
import type { SignedImage } from '../workflows/signed-image.ts';
import type { CommandContext } from './command.ts';
import { ReportedFailure } from './failure.ts';
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
  if (flags.string('output') === 'json') {
    const { code, message, facts } = error;
    const { found, expected, fix } = facts;
    terminal.result(
      JSON.stringify({
        image: reference.toString(),
        outcome: 'failed',
        error: { code, message, found, expected, fix },
      }),
    );
  }
  for (const { subject, referrer } of leftBehind) {
    terminal.warn(
      `the signature of ${subject.toString()} stays (${referrer.toString()}): the registry does not delete`,
    );
  }
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

/**
 * Ends the command when an image could not be signed: with its error, or with each error and the images that it kept from
 * being signed. The exit code is the first one's.
 *
 * @throws SealwrightError or ReportedFailure
 */
export function failUnlessSigned(outcomes: readonly ImageOutcome[]): void {
  const byError = new Map<SealwrightError, string[]>();
  for (const outcome of outcomes) {
    if (outcome.kind === 'signed') continue;
    byError.set(outcome.error, [...(byError.get(outcome.error) ?? []), outcome.reference.toString()]);
  }
  const [first] = byError.keys();
  if (first === undefined) return;
  if (outcomes.length === 1) throw first;
  const texts = [...byError].map(([error, names]) => {
    const images = names.map((name) => `  of:       ${name}`);
    return [renderError(error), ...images].join('\n');
  });
  throw new ReportedFailure(texts.join('\n'), first.exitCode);
}
