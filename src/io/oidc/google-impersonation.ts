import { readFile } from 'node:fs/promises';
import { utf8 } from '../../core/encoding/bytes.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError, LimitError, RemoteError, UsageError } from '../../errors.ts';
import { systemCode } from '../files/system-code.ts';
import { isOnGoogle, machineAccessToken } from './google-metadata.ts';
import { MAX_TOKEN_ANSWER_BYTES, textIn, tokenIn } from './token-answer.ts';
import { DEFAULT_AUDIENCE, type TokenAttempt, type TokenEnvironment } from './token-source.ts';

const IAM = 'https://iamcredentials.googleapis.com';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const DEFAULT_TOKEN_URI = 'https://oauth2.googleapis.com/token';
const PEER = "Google's IAM";

/**
 * The identity of the service account that GOOGLE_SERVICE_ACCOUNT_NAME names, which whoever runs this may impersonate.
 * "Whoever" is found as Google's libraries find it: GOOGLE_APPLICATION_CREDENTIALS, gcloud's file, the machine itself.
 *
 * @param iam where IAM's credentials API is
 * @throws UsageError USAGE_NO_TOKEN without credentials, USAGE_FILE, USAGE_BAD_CONFIG; RemoteError
 */
export async function googleImpersonationToken(options: TokenEnvironment, iam = IAM): Promise<TokenAttempt> {
  const { http, environment, audience } = options;
  const account = environment['GOOGLE_SERVICE_ACCOUNT_NAME'] ?? '';
  if (account === '') return { closed: 'GOOGLE_SERVICE_ACCOUNT_NAME is not set' };
  const access = await applicationAccessToken(options);
  const { body } = await http.request({
    method: 'POST',
    url: `${iam}/v1/projects/-/serviceAccounts/${encodeURIComponent(account)}:generateIdToken`,
    headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify({ audience: audience ?? DEFAULT_AUDIENCE, includeEmail: true })),
    maxBytes: MAX_TOKEN_ANSWER_BYTES,
    idempotent: true,
    redirects: 'refuse',
    peer: PEER,
  });
  return { token: tokenIn(body, 'token', PEER), source: `Google, as ${account}` };
}

async function applicationAccessToken(options: TokenEnvironment): Promise<string> {
  const { environment } = options;
  const path = environment['GOOGLE_APPLICATION_CREDENTIALS'] ?? '';
  if (path !== '') return fromCredentials(await read(path), path, options);
  const usual = `${environment['HOME'] ?? ''}/.config/gcloud/application_default_credentials.json`;
  const text = await read(usual).catch(() => undefined);
  if (text !== undefined) return fromCredentials(text, usual, options);
  if (await isOnGoogle(environment)) return machineAccessToken(environment);
  throw new UsageError('USAGE_NO_TOKEN', 'there are no credentials of Google to impersonate a service account with', {
    found: "no GOOGLE_APPLICATION_CREDENTIALS, no login of gcloud, and no machine of Google's",
    expected: 'one of them',
    fix: 'gcloud auth application-default login',
  });
}

/** A file of application default credentials: a person's refresh token, or a service account's key. */
async function fromCredentials(text: string, path: string, { http }: TokenEnvironment): Promise<string> {
  const form = await grant(parseCredentials(text, path), path);
  const { body } = await http.request({
    method: 'POST',
    url: form.url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: utf8(new URLSearchParams(form.fields).toString()),
    maxBytes: MAX_TOKEN_ANSWER_BYTES,
    idempotent: true,
    redirects: 'refuse',
    peer: "Google's token endpoint",
  });
  const token = textIn(body, 'access_token');
  if (token !== '') return token;
  throw new RemoteError('REMOTE_BODY', "Google's token endpoint answered without a token", {
    expected: 'JSON with access_token',
  });
}

interface Grant {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

async function grant(file: JsonFields, path: string): Promise<Grant> {
  const type = file.optionalString('type') ?? '';
  const url = file.optionalString('token_uri') ?? DEFAULT_TOKEN_URI;
  if (type === 'authorized_user') {
    const fields = {
      grant_type: 'refresh_token',
      client_id: file.string('client_id'),
      client_secret: file.string('client_secret'),
      refresh_token: file.string('refresh_token'),
    };
    return { url, fields };
  }
  if (type === 'service_account') {
    const { SignJWT, importPKCS8 } = await import('jose');
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', kid: file.string('private_key_id') })
      .setIssuer(file.string('client_email'))
      .setAudience(url)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(await importPKCS8(file.string('private_key'), 'RS256'));
    return { url, fields: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion } };
  }
  throw new UsageError('USAGE_BAD_CONFIG', `the credentials in ${path} are of a kind that is not supported`, {
    found: type.slice(0, 64),
    expected: 'authorized_user or service_account',
    fix: 'give the identity token itself with SIGSTORE_ID_TOKEN or --identity-token',
  });
}

function parseCredentials(text: string, path: string): JsonFields {
  try {
    return new JsonFields(parseJson(text, 'the credentials', 'FORMAT_JSON'), 'credentials', 'FORMAT_JSON');
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof LimitError)) throw cause;
    throw new UsageError('USAGE_BAD_CONFIG', `${path} holds no credentials of Google`, { found: 'no JSON object' });
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError('USAGE_FILE', `the credentials ${path} cannot be read`, { found: systemCode(cause), cause });
  }
}
