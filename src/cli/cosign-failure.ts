import { renderError, type SealwrightError } from '../errors.ts';

/**
 * A failure as cosign tells it: twice, first by its command framework, then by its own end (cosign.md §1.1). What is told
 * is ours, and what was found and expected stands beside it: scripts look for the words in front.
 */
export function cosignFailureText(error: SealwrightError): string {
  const text = renderError(error);
  return `Error: ${text}\nerror during command execution: ${text.split('\n', 1)[0] ?? ''}`;
}

/** cosign knows success, three answers about an image's signatures, and failure (`cosign: doc/cosign_exit_codes.md`). */
export function cosignExitCode(error: SealwrightError): number {
  return [10, 11, 12, 13].includes(error.exitCode) ? error.exitCode : 1;
}
