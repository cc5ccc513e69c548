import { readFile } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';
import { systemCode } from '../files/system-code.ts';
import { MOUNTED_TOKEN } from './offered-tokens.ts';
import { isCompactJws, type ObtainedToken, type TokenAttempt } from './token-source.ts';

/**
 * `--identity-token`: the token itself, or a file that holds it.
 *
 * @throws UsageError USAGE_FILE, USAGE_NO_TOKEN; the text given is never quoted, as it may be a damaged token
 */
export async function givenToken(flag: string): Promise<ObtainedToken> {
  if (isCompactJws(flag.trim())) return { token: flag.trim(), source: '--identity-token' };
  let text: string;
  try {
    text = await readFile(flag, 'utf8');
  } catch (cause) {
    throw new UsageError('USAGE_FILE', '--identity-token is neither a token nor a file that can be read', {
      found: `${flag.length} characters that are no JWT; as a file: ${systemCode(cause)}`,
      expected: 'a JWT (three base64url parts separated by dots), or the path of a file with one',
    });
  }
  return checked(text.trim(), 'the file of --identity-token');
}

/** SIGSTORE_ID_TOKEN, as GitLab and others set it. @throws UsageError USAGE_NO_TOKEN when it holds something else */
export function environmentToken(environment: Readonly<Record<string, string | undefined>>): TokenAttempt {
  const value = environment['SIGSTORE_ID_TOKEN']?.trim();
  if (value === undefined) return { closed: 'SIGSTORE_ID_TOKEN is not set' };
  return checked(value, 'SIGSTORE_ID_TOKEN');
}

/** @throws UsageError USAGE_FILE, USAGE_NO_TOKEN */
export async function mountedToken(path = MOUNTED_TOKEN): Promise<TokenAttempt> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { closed: `no token is mounted at ${path}` };
    throw new UsageError('USAGE_FILE', `the mounted token ${path} cannot be read`, { found: String(code), cause });
  }
  return checked(text.trim(), path);
}

function checked(token: string, source: string): ObtainedToken {
  if (isCompactJws(token)) return { token, source };
  throw new UsageError('USAGE_NO_TOKEN', `${source} holds no identity token`, {
    found: token === '' ? 'nothing' : `${token.length} characters that are no JWT`,
    expected: 'a JWT: three base64url parts separated by dots',
  });
}
