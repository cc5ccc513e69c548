import { pino } from 'pino';
import { SealwrightError } from '../../errors.ts';

/** What servers need of a logger: facts first, then one constant sentence. */
export interface Logger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/**
 * JSON lines on a file descriptor, written synchronously so that the last line before a crash is there.
 * An error of ours appears with its code and facts; of any other only its type and message, as stacks quote arguments.
 */
export function createLogger(options: { readonly fd: number; readonly name: string }): Logger {
  return pino(
    { base: { name: options.name }, serializers: { error: describeError } },
    pino.destination({ fd: options.fd, sync: true }),
  );
}

function describeError(error: unknown): object {
  if (error instanceof SealwrightError) {
    const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
    return { code: error.code, message: error.message, ...error.facts, ...cause };
  }
  if (!(error instanceof Error)) return { message: 'unknown' };
  return { type: error.name, message: error.message, at: error.stack?.split('\n')[1]?.trim() };
}
