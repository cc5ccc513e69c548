import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { RemoteError } from '../../errors.ts';

/** Version of the protocol between this room and `tools/engines`, part of the executable's name: the two cannot be mixed up. */
export const ENGINES_VERSION = 6;

export interface EngineLocationOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the user's home folder. */
  readonly home: string;
}

/**
 * The engines' executable: the one that `SEALWRIGHT_ENGINES` names, else the one that `tools/engines/build` has put into
 * the user's cache. Never one from the working directory, which may be a hostile checkout.
 *
 * @returns its absolute path
 * @throws RemoteError POLICY_ENGINE_MISSING
 */
export async function findPolicyEngines({ environment, home }: EngineLocationOptions): Promise<string> {
  const named = environment['SEALWRIGHT_ENGINES'];
  const cache = environment['XDG_CACHE_HOME'] ?? join(home, '.cache');
  const path =
    named === undefined || named === ''
      ? join(cache, 'sealwright', 'engines', `policy-engines-${ENGINES_VERSION}`)
      : named;
  try {
    await access(path, constants.X_OK);
    return path;
  } catch (cause) {
    throw missingEngines(path, cause);
  }
}

/** Policies in Rego, CUE or CEL are there, and nothing to evaluate them with. */
export function missingEngines(path: string, cause: unknown): RemoteError {
  return new RemoteError(
    'POLICY_ENGINE_MISSING',
    'the policy engines are not installed, so the policy was not evaluated',
    {
      found: `no executable ${path}`,
      expected: 'OPA, CUE and cel-go, built from tools/engines of a checkout (needs Go)',
      fix: 'sh tools/engines/build',
      cause,
    },
  );
}
