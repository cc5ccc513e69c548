import { utf8 } from '../../core/encoding/bytes.ts';
import { UsageError } from '../../errors.ts';

/** Asks for the password of a key. `confirm` when a key is being made, and a mistyped password would lock it away. */
export type PasswordPrompt = (purpose: { readonly what: string; readonly confirm: boolean }) => Promise<string>;

export type PasswordSource = (purpose: { readonly what: string; readonly confirm: boolean }) => Promise<Uint8Array>;

/**
 * The password from COSIGN_PASSWORD, where even an empty one counts (cosign.md §1.9), else from the prompt.
 *
 * @param prompt absent when there is nobody to ask
 */
export function passwordSource(
  environment: Readonly<Record<string, string | undefined>>,
  prompt?: PasswordPrompt,
): PasswordSource {
  return async (purpose) => {
    const given = environment['COSIGN_PASSWORD'];
    if (given !== undefined) return utf8(given);
    if (prompt !== undefined) return utf8(await prompt(purpose));
    throw new UsageError('USAGE_PASSWORD', `no password for ${purpose.what}`, {
      found: 'no COSIGN_PASSWORD in the environment, and no terminal to ask at',
      expected: 'a password, which may be empty',
      fix: 'set COSIGN_PASSWORD',
    });
  };
}
