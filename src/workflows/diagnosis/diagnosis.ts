import { SealwrightError } from '../../errors.ts';

export type CheckArea = 'trust' | 'services' | 'clock' | 'token' | 'registry' | 'formats';
/** `would fail`: a command that needs this would not end well; `warning`: it ends well, or not for this reason alone. */
export type CheckStatus = 'ok' | 'warning' | 'would fail' | 'not checked';

/** One thing that was looked at. No text of it holds a secret. */
export interface Check {
  readonly area: CheckArea;
  readonly name: string;
  readonly status: CheckStatus;
  readonly found: string;
  readonly expected?: string;
  /** The command that mends it; always there where something would fail. */
  readonly fix?: string;
  /** Lines to paste. */
  readonly yaml?: readonly string[];
  /** What a command would end with. */
  readonly error?: SealwrightError;
}

export type Examined = Pick<Check, 'found'> & Partial<Pick<Check, 'status' | 'expected' | 'fix' | 'error'>>;

/** For failures that say nothing of what mends them. */
const REMEDIES: Readonly<Record<string, string>> = {
  REMOTE_TLS: 'add --registry-cacert FILE with the certificate of whoever certified that server',
  REMOTE_UNREACHABLE: 'curl -v the address from this machine; behind a proxy, set HTTPS_PROXY and NO_PROXY',
  REMOTE_TIMEOUT: 'curl -v the address from this machine; behind a proxy, set HTTPS_PROXY and NO_PROXY',
  TAG_NOT_FOUND: 'push the image first, or name a tag that is there',
  IMAGE_NOT_FOUND: 'push the image first, or name a digest that is there',
  NOT_FOUND: 'push the image first, or name a digest that is there',
  TRUST_STALE: 'sealwright initialize, once the keepers of the trust root have signed it again',
  USAGE_BAD_CONFIG: 'sealwright initialize, or a signing config with services for now: --signing-config FILE',
};
const USUAL_REMEDY = 'sealwright --verbose with the command that fails shows what was asked and answered';

/**
 * Looks at one thing. What goes wrong is a finding: only a defect of this program is thrown.
 *
 * @param login what lets one in, where that is what is wanted
 */
export async function examine(
  area: CheckArea,
  name: string,
  look: () => Examined | Promise<Examined>,
  login?: string,
): Promise<Check> {
  try {
    return { area, name, status: 'ok', ...(await look()) };
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    return wouldFail(area, name, error, login);
  }
}

export function wouldFail(area: CheckArea, name: string, error: SealwrightError, login?: string): Check {
  const { found, expected, details } = error.facts;
  if (error.code === 'REMOTE_OFFLINE')
    return notChecked(area, name, 'it takes the network, and --offline opens no socket');
  const yaml = details?.['yaml'];
  return {
    area,
    name,
    status: 'would fail',
    found: found === undefined ? error.message : `${error.message}: ${found}`,
    ...(expected === undefined ? {} : { expected }),
    fix: error.facts.fix ?? (error.family === 'auth' ? login : undefined) ?? REMEDIES[error.code] ?? USUAL_REMEDY,
    ...(Array.isArray(yaml) ? { yaml: yaml as readonly string[] } : {}),
    error,
  };
}

export function notChecked(area: CheckArea, name: string, why: string): Check {
  return { area, name, status: 'not checked', found: why };
}
