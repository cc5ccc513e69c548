import { execFile } from 'node:child_process';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { UsageError } from '../../errors.ts';
import { ANONYMOUS, type Credentials } from './credentials.ts';

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1 << 20;

/** Environment of a process, as far as it is read here. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Asks `docker-credential-NAME get` for the credentials of a server: the name goes to its input, JSON comes back. User
 * `<token>` marks a refresh token. A helper that knows nothing about the server says so in words, and means anonymous.
 *
 * @throws UsageError USAGE_BAD_CONFIG when the helper is missing, fails or answers nonsense
 */
export async function askCredentialHelper(name: string, server: string, env: Environment): Promise<Credentials> {
  const program = programOf(name);
  const { output, failure } = await run(program, 'get', server, env);
  if (failure !== undefined) {
    if (/credentials not found|no credentials|not found in native keychain/i.test(output)) return ANONYMOUS;
    throw helperFailed(program, failure);
  }
  try {
    const fields = new JsonFields(parseJson(output, program), program, 'FORMAT_JSON');
    const username = fields.optionalString('Username') ?? '';
    const secret = fields.optionalString('Secret') ?? '';
    if (username === '<token>') return { kind: 'identity', token: secret };
    return username === '' && secret === '' ? ANONYMOUS : { kind: 'basic', username, password: secret };
  } catch (cause) {
    throw helperFailed(program, 'an answer that is not its JSON', cause);
  }
}

export interface StoredCredentials {
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Gives credentials to `docker-credential-NAME store` to keep.
 *
 * @throws UsageError USAGE_BAD_CONFIG when the helper is missing or fails
 */
export async function storeWithHelper(name: string, kept: StoredCredentials, env: Environment): Promise<void> {
  const program = programOf(name);
  const input = JSON.stringify({ ServerURL: kept.server, Username: kept.username, Secret: kept.password });
  const { failure } = await run(program, 'store', input, env);
  if (failure !== undefined) throw helperFailed(program, failure);
}

/** The name comes from a file: it must not become a path. */
function programOf(name: string): string {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) throw helperFailed(name.slice(0, 64), 'a name that is not one');
  return `docker-credential-${name}`;
}

interface Run {
  readonly output: string;
  readonly failure: string | undefined;
}

function run(program: string, action: 'get' | 'store', input: string, env: Environment): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { ...env }, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(program, [action], options, (error, stdout, stderr) => {
      // Its output stays out of messages: even a failing helper may have printed a secret.
      resolve({ output: stdout + stderr, failure: error === null ? undefined : describe(error) });
      if (error === null) return;
    });
    // A helper may end without reading; what it says counts, not the broken pipe.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function describe(error: Error & { code?: string | number | null; killed?: boolean }): string {
  if (error.code === 'ENOENT') return 'no such program in PATH';
  if (error.killed === true) return `no answer within ${TIMEOUT_MS / 1000} s`;
  return `exit status ${String(error.code)}`;
}

function helperFailed(program: string, found: string, cause?: unknown): UsageError {
  return new UsageError('USAGE_BAD_CONFIG', `the credential helper ${program} could not be asked`, {
    found,
    expected: 'the helper that the Docker configuration names (credHelpers, credsStore), installed and in PATH',
    cause,
  });
}
