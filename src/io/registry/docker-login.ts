import { realpath, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { parseJson, type JsonObject, type JsonValue } from '../../core/encoding/json.ts';
import { DEFAULT_REGISTRY } from '../../core/image/reference.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import { writeDurableFile } from '../files/durable-file.ts';
import { systemCode } from '../files/system-code.ts';
import { storeWithHelper, type Environment } from './docker-credential.ts';

export interface Login {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

export interface KeptLogin {
  /** Docker's configuration. */
  readonly path: string;
  /** The program that keeps the password; undefined when it is in the file, where its owner can read it. */
  readonly helper: string | undefined;
}

const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/**
 * Keeps credentials where Docker and cosign look for them: in the credential store that Docker's configuration names, else in
 * the configuration itself, which is replaced as a whole, durably, and readable by its owner alone. What else is in it stays.
 *
 * @throws UsageError USAGE_BAD_CONFIG for a configuration or a helper that cannot be used, USAGE_FILE
 */
export async function keepLogin(login: Login, env: Environment): Promise<KeptLogin> {
  const server = login.registry === DEFAULT_REGISTRY ? DOCKER_HUB_KEY : login.registry;
  const path = await configPath(env);
  const config = await readConfig(path);
  const helper = helperFor(config, [login.registry, server]);
  if (helper !== undefined) await storeWithHelper(helper, { server, ...login }, env);
  const auth = encodeBase64(utf8(`${login.username}:${login.password}`));
  // An entry without a password is how Docker marks that the store has it.
  const entry: JsonObject = helper === undefined ? { auth } : {};
  const auths = { ...objectIn(config, 'auths'), [server]: entry };
  try {
    await writeDurableFile(path, `${JSON.stringify({ ...config, auths }, undefined, '\t')}\n`);
  } catch (cause) {
    throw new UsageError('USAGE_FILE', `${path} cannot be written`, { found: systemCode(cause), cause });
  }
  return { path, helper: helper === undefined ? undefined : `docker-credential-${helper}` };
}

/** A configuration that is a link, as dotfile managers make them, stays one. */
async function configPath(env: Environment): Promise<string> {
  // Empty means unset: otherwise the password would end up in the working directory.
  const { DOCKER_CONFIG: configured = '', HOME: home = '' } = env;
  const folder = configured === '' ? join(home === '' ? homedir() : home, '.docker') : configured;
  const path = join(folder, 'config.json');
  try {
    return await realpath(path);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return path;
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: systemCode(cause), cause });
  }
}

async function readConfig(path: string): Promise<JsonObject> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return {};
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: systemCode(cause), cause });
  }
  if (bytes.length === 0) return {};
  try {
    const value = parseJson(bytes, 'the file');
    if (isObject(value)) return value;
    throw notAConfig(path, 'no object', undefined);
  } catch (cause) {
    if (!(cause instanceof SealwrightError) || cause instanceof UsageError) throw cause;
    throw notAConfig(path, cause.message, cause);
  }
}

function notAConfig(path: string, found: string, cause: unknown): UsageError {
  return new UsageError('USAGE_BAD_CONFIG', `${path} is not a credential file, and stays as it is`, {
    found,
    expected: 'JSON as docker login writes it',
    cause,
  });
}

function helperFor(config: JsonObject, servers: readonly string[]): string | undefined {
  const helpers = objectIn(config, 'credHelpers');
  const candidates = [...servers.map((server) => helpers[server]), config['credsStore']];
  return candidates.find((name): name is string => typeof name === 'string' && name !== '');
}

function objectIn(config: JsonObject, name: string): JsonObject {
  const value = config[name];
  return isObject(value) ? value : {};
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
