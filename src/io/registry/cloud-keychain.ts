import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Repository } from '../../core/image/reference.ts';
import { ANONYMOUS, type Credentials, type CredentialStore } from './credentials.ts';
import { askCredentialHelper, type Environment } from './docker-credential.ts';

/** A cloud's registries, and the programs that get credentials for them, by the names after `docker-credential-`. */
interface Cloud {
  readonly name: string;
  readonly hosts: RegExp;
  readonly helpers: readonly string[];
  readonly documentation: string;
}

const CLOUDS: readonly Cloud[] = [
  {
    name: 'Amazon ECR',
    hosts:
      /^(\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.(aws|amazonwebservices\.com\.cn))|public\.ecr\.aws)$/,
    helpers: ['ecr-login'],
    documentation: 'https://github.com/awslabs/amazon-ecr-credential-helper',
  },
  {
    name: 'Google Artifact Registry',
    hosts: /(^|\.)gcr\.io$|\.pkg\.dev$/,
    helpers: ['gcr', 'gcloud'],
    documentation: 'https://cloud.google.com/artifact-registry/docs/docker/authentication',
  },
  {
    name: 'Azure Container Registry',
    hosts: /\.azurecr\.(io|cn|us|de)$/,
    helpers: ['acr-env', 'acr-linux', 'acr-darwin'],
    documentation: 'https://github.com/chrismellard/docker-credential-acr-env',
  },
  {
    name: 'Alibaba Cloud Container Registry',
    hosts: /\.(cr|cr-ee)\.aliyuncs\.com$|^registry(-intl)?(-vpc|-internal)?\.[a-z0-9-]+\.aliyuncs\.com$/,
    helpers: ['acr-helper'],
    documentation: 'https://github.com/AliyunContainerService/docker-credential-acr-helper',
  },
];

const GITHUB_REGISTRY = 'ghcr.io';

/**
 * Credentials as a workload in a cloud has them (`--k8s-keychain`): what Docker's configuration holds, else `GITHUB_TOKEN` for
 * GitHub's registry, else the cloud's own credential helper, which knows instance roles and workload identities. No cloud's
 * client is part of this program: a helper that is missing is named when a registry refuses to go on without.
 */
export class CloudKeychain implements CredentialStore {
  readonly #docker: CredentialStore;
  readonly #env: Environment;

  constructor(docker: CredentialStore, env: Environment) {
    this.#docker = docker;
    this.#env = env;
  }

  /** @throws UsageError USAGE_BAD_CONFIG or USAGE_FILE */
  async lookup(repository: Repository): Promise<Credentials> {
    const found = await this.#docker.lookup(repository);
    if (found.kind !== 'anonymous') return found;
    const { registry } = repository;
    const { GITHUB_TOKEN: token = '', GITHUB_ACTOR: actor = '' } = this.#env;
    if (registry === GITHUB_REGISTRY && token !== '') {
      // The registry looks at the token alone, and wants some name.
      return { kind: 'basic', username: actor === '' ? 'unset' : actor, password: token };
    }
    for (const helper of cloudOf(registry)?.helpers ?? []) {
      if (await this.#isInstalled(helper)) return askCredentialHelper(helper, registry, this.#env);
    }
    return ANONYMOUS;
  }

  forget(repository: Repository): void {
    this.#docker.forget?.(repository);
  }

  advice({ registry }: Repository): string | undefined {
    if (registry === GITHUB_REGISTRY) return 'GITHUB_TOKEN in the environment';
    const cloud = cloudOf(registry);
    if (cloud === undefined) return undefined;
    const programs = cloud.helpers.map((helper) => `docker-credential-${helper}`).join(' or ');
    return `${programs} in PATH, for ${cloud.name}: ${cloud.documentation}`;
  }

  async #isInstalled(helper: string): Promise<boolean> {
    for (const folder of (this.#env['PATH'] ?? '').split(delimiter).filter((part) => part !== '')) {
      try {
        await access(join(folder, `docker-credential-${helper}`), constants.X_OK);
        return true;
      } catch {
        // The next folder.
      }
    }
    return false;
  }
}

function cloudOf(registry: string): Cloud | undefined {
  return CLOUDS.find(({ hosts }) => hosts.test(registry));
}
