import { readFile, stat } from 'node:fs/promises';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { LimitError, UsageError } from '../../errors.ts';
import { systemCode } from '../files/system-code.ts';
import type { HttpClient } from '../net/http-client.ts';
import { fetchSecret } from '../kubernetes/secret.ts';
import { fetchGitlabVariable } from './gitlab-variables.ts';
import type { KeyReference } from './key-reference.ts';

/** What reading a key may use of the world. */
export interface KeySources {
  /** Holds keys for `env://`, and says where the cluster and GitLab are: KUBECONFIG, HOME, GITLAB_HOST, GITLAB_TOKEN. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For keys at a URL or in GitLab. */
  readonly http: HttpClient;
  /** Takes a file that anybody on this machine may write, as cosign does. */
  readonly allowWorldWritable?: boolean;
}

/** A key as text, and the password where it is kept beside it. */
export interface KeyText {
  readonly pem: string;
  readonly password?: Uint8Array;
}

export type KeyHalf = 'private' | 'public';

const MAX_KEY_BYTES = 64 << 10;
const SECRET_KEYS = { private: 'cosign.key', public: 'cosign.pub', password: 'cosign.password' } as const;
const GITLAB_VARIABLES = { private: 'COSIGN_PRIVATE_KEY', public: 'COSIGN_PUBLIC_KEY' } as const;

/**
 * The text of a key, unparsed.
 *
 * @throws UsageError USAGE_FILE, USAGE_BAD_CONFIG; NotFoundError; RemoteError; FormatError FORMAT_PEM; LimitError LIMIT_SIZE
 */
export async function readKeyText(
  reference: Exclude<KeyReference, { kind: 'plugin' }>,
  half: KeyHalf,
  sources: KeySources,
): Promise<KeyText> {
  const { environment, http } = sources;
  switch (reference.kind) {
    case 'file':
      return { pem: text(await readKeyFile(reference.path, sources), `the key file ${reference.path}`) };
    case 'environment':
      return { pem: fromEnvironment(reference.variable, environment) };
    case 'url': {
      const { body } = await http.request({ url: reference.url, maxBytes: MAX_KEY_BYTES, peer: "the key's server" });
      return { pem: text(body, 'the key at that URL') };
    }
    case 'kubernetes': {
      // Loaded for such keys alone: it brings YAML along.
      const { openClusterAccess } = await import('../kubernetes/cluster-access.ts');
      const data = await fetchSecret(await openClusterAccess(environment), reference);
      const pem = data.get(SECRET_KEYS[half]);
      if (pem === undefined || pem.length === 0) {
        throw new UsageError('USAGE_FILE', `the secret ${reference.namespace}/${reference.name} holds no ${half} key`, {
          found: `data ${[...data.keys()].join(', ').slice(0, 200) || '(none)'}`,
          expected: `${SECRET_KEYS[half]}, as generate-key-pair writes it`,
        });
      }
      const password = data.get(SECRET_KEYS.password);
      return { pem: text(pem, 'the key in that secret'), ...(password === undefined ? {} : { password }) };
    }
    case 'gitlab': {
      const pem = await fetchGitlabVariable(reference.owner, GITLAB_VARIABLES[half], { environment, http });
      if (half === 'public') return { pem };
      const password = await fetchGitlabVariable(reference.owner, 'COSIGN_PASSWORD', { environment, http });
      return { pem, password: Buffer.from(password) };
    }
  }
}

/** @throws UsageError USAGE_FILE; LimitError LIMIT_SIZE */
export async function readKeyFile(
  path: string,
  { allowWorldWritable = false }: Pick<KeySources, 'allowWorldWritable'>,
): Promise<Uint8Array> {
  let size: number;
  let mode: number;
  let bytes: Uint8Array;
  try {
    ({ size, mode } = await stat(path));
    if (size > MAX_KEY_BYTES) throw tooLarge(size);
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof LimitError) throw cause;
    throw new UsageError('USAGE_FILE', `the key file ${path} cannot be read`, { found: systemCode(cause), cause });
  }
  // A pipe has no size of its own.
  if (bytes.length > MAX_KEY_BYTES) throw tooLarge(bytes.length);
  const isFile = (mode & 0o170000) === 0o100000;
  if (isFile && (mode & 0o002) !== 0 && !allowWorldWritable) {
    throw new UsageError('USAGE_FILE', `the key file ${path} is not only its owner's to write`, {
      found: `mode ${(mode & 0o777).toString(8)}: anybody on this machine can put another key there`,
      expected: 'a file that others cannot write',
      fix: `chmod o-w ${path}`,
    });
  }
  return bytes;
}

function tooLarge(size: number): LimitError {
  return new LimitError('LIMIT_SIZE', 'the key file is too large', {
    found: `${size} bytes`,
    expected: `at most ${MAX_KEY_BYTES}`,
  });
}

function text(bytes: Uint8Array, what: string): string {
  return parseUtf8(bytes, 'FORMAT_PEM', what);
}

function fromEnvironment(name: string, environment: KeySources['environment']): string {
  const value = environment[name];
  if (value !== undefined && value !== '') return value;
  throw new UsageError('USAGE_FILE', `the environment variable ${name} holds no key`, {
    found: value === undefined ? 'no such variable' : 'an empty value',
    expected: 'a PEM text',
  });
}
