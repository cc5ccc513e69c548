import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseBase64 } from '../../core/encoding/base64.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { DEFAULT_REGISTRY, type Repository } from '../../core/image/reference.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import { askCredentialHelper, type Environment } from './docker-credential.ts';
import { ANONYMOUS, type Credentials, type CredentialStore } from './credentials.ts';

/** Under this name the Docker command line stores what Docker Hub accepts. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/**
 * The credentials that `docker login` or `podman login` left, looked up as cosign does: `$DOCKER_CONFIG` or `~/.docker`;
 * where no `config.json` is there, `$REGISTRY_AUTH_FILE`, `$XDG_RUNTIME_DIR/containers/auth.json` and
 * `$XDG_CONFIG_HOME/containers/auth.json`. A host's `credHelpers` beats `credsStore`, which beats `auths`.
 */
export class DockerConfig implements CredentialStore {
  readonly #env: Environment;
  /** What each server's helper said: some helpers ask a person, or a cloud, each time. */
  readonly #helped = new Map<string, Promise<Credentials>>();
  #file: Promise<{ path: string; fields: JsonFields } | undefined> | undefined;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** @throws UsageError USAGE_BAD_CONFIG or USAGE_FILE */
  async lookup(repository: Repository): Promise<Credentials> {
    const file = await (this.#file ??= this.#read());
    if (file === undefined) return ANONYMOUS;
    try {
      return await this.#find(file.fields, repository);
    } catch (cause) {
      if (cause instanceof UsageError || !(cause instanceof SealwrightError)) throw cause;
      throw new UsageError('USAGE_BAD_CONFIG', `the credentials in ${file.path} cannot be used`, {
        found: cause.message,
        expected: 'the file as docker login writes it',
        cause,
      });
    }
  }

  /** A helper's passwords may be good for hours only. */
  forget({ registry }: Repository): void {
    this.#helped.delete(serverOf(registry));
  }

  async #find(config: JsonFields, { registry, repository }: Repository): Promise<Credentials> {
    const helpers = config.optionalObject('credHelpers');
    const server = serverOf(registry);
    const helper =
      helpers?.optionalString(registry) ?? helpers?.optionalString(server) ?? config.optionalString('credsStore');
    if (helper !== undefined && helper !== '') {
      const found = await this.#askHelper(helper, server);
      if (found.kind !== 'anonymous') return found;
    }
    return credentialsIn(config.optionalObject('auths'), { registry, repository });
  }

  #askHelper(helper: string, server: string): Promise<Credentials> {
    const known = this.#helped.get(server) ?? askCredentialHelper(helper, server, this.#env);
    this.#helped.set(server, known);
    return known;
  }

  async #read(): Promise<{ path: string; fields: JsonFields } | undefined> {
    for (const path of this.#paths()) {
      const bytes = await readIfPresent(path);
      if (bytes === undefined) continue;
      try {
        return { path, fields: new JsonFields(parseJson(bytes, 'the file'), 'config', 'FORMAT_JSON') };
      } catch (cause) {
        throw new UsageError('USAGE_BAD_CONFIG', `${path} is not a credential file`, {
          found: cause instanceof SealwrightError ? cause.message : 'something else',
          expected: 'JSON as docker login writes it',
          cause,
        });
      }
    }
    return undefined;
  }

  #paths(): string[] {
    // Empty means unset: otherwise a file in the working directory would be found.
    const variable = (name: string): string | undefined => (this.#env[name] === '' ? undefined : this.#env[name]);
    const home = variable('HOME') ?? homedir();
    const runtime = variable('XDG_RUNTIME_DIR');
    const candidates = [
      join(variable('DOCKER_CONFIG') ?? join(home, '.docker'), 'config.json'),
      variable('REGISTRY_AUTH_FILE'),
      runtime === undefined ? undefined : join(runtime, 'containers', 'auth.json'),
      join(variable('XDG_CONFIG_HOME') ?? join(home, '.config'), 'containers', 'auth.json'),
    ];
    return candidates.filter((path) => path !== undefined);
  }
}

function serverOf(registry: string): string {
  return registry === DEFAULT_REGISTRY ? DOCKER_HUB_KEY : registry;
}

/**
 * The credentials that the `auths` of a configuration hold for a repository: those of the longest path that fits.
 *
 * @throws FormatError for an entry that is none
 */
export function credentialsIn(auths: JsonFields | undefined, { registry, repository }: Repository): Credentials {
  for (const key of keysOf(registry, repository)) {
    const entry = auths?.optionalObject(key);
    const found = entry === undefined ? ANONYMOUS : readEntry(entry);
    if (found.kind !== 'anonymous') return found;
  }
  return ANONYMOUS;
}

/** Names under which credentials of a repository may be filed, the most specific first. */
function keysOf(registry: string, repository: string): string[] {
  const components = repository.split('/');
  const prefixes = components.map(
    (_, index) => `${registry}/${components.slice(0, components.length - index).join('/')}`,
  );
  const hosts = registry === DEFAULT_REGISTRY ? [DOCKER_HUB_KEY, registry, 'docker.io'] : [registry];
  return [
    ...prefixes,
    ...hosts.flatMap((host) => [host, `https://${host}`, `https://${host}/`, `https://${host}/v1/`]),
  ];
}

function readEntry(entry: JsonFields): Credentials {
  const registryToken = entry.optionalString('registrytoken') ?? '';
  if (registryToken !== '') return { kind: 'bearer', token: registryToken };
  const identityToken = entry.optionalString('identitytoken') ?? '';
  if (identityToken !== '') return { kind: 'identity', token: identityToken };
  const auth = entry.optionalString('auth') ?? '';
  if (auth !== '') {
    // Docker pads the decoded text with zero bytes in some versions.
    const text = Buffer.from(parseBase64(auth, `${entry.path}.auth`))
      .toString('utf8')
      .replace(/\0+$/, '');
    const colon = text.indexOf(':');
    if (colon > 0) return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  const username = entry.optionalString('username') ?? '';
  return username === '' ? ANONYMOUS : { kind: 'basic', username, password: entry.optionalString('password') ?? '' };
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: code ?? 'an error', cause });
  }
}
