import { InvariantError, SealwrightError, renderError } from '../../errors.ts';
import { cosignFailure } from './cosign-failure.ts';
import type { Terminal } from './terminal.ts';

/** A failure that another process of ours has put into words already; told again as it is. */
export class ReportedFailure extends Error {
  readonly text: string;
  readonly exitCode: number;

  constructor(text: string, exitCode: number) {
    super('another process failed');
    this.text = text;
    this.exitCode = exitCode;
  }
}

/**
 * The one place where a failure becomes text and an exit code. What is not an error of ours is our bug: it is named, and
 * its stack stays inside, because stacks quote arguments.
 *
 * @param compat the command, to say it as cosign would and with cosign's exit code; absent in the default mode
 * @returns the exit code, by the error's family
 */
export function reportFailure(error: unknown, terminal: Terminal, compat?: { readonly command: string }): number {
  if (error instanceof ReportedFailure) {
    terminal.failure(error.text);
    return error.exitCode;
  }
  const known = error instanceof SealwrightError ? error : unexpected(error);
  if (compat !== undefined) {
    const { text, exitCode } = cosignFailure(known, compat.command);
    terminal.note(text);
    return exitCode;
  }
  terminal.failure(renderError(known));
  return known.exitCode;
}

function unexpected(error: unknown): InvariantError {
  const found = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
  return new InvariantError('Sealwright has a defect here; please report it with this text', { found, cause: error });
}
