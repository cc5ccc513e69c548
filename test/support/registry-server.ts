/** Our registry on loopback over a folder of the test's own, and the clients that talk to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Repository } from '../../src/core/image/reference.ts';
import { HttpClient, type HttpClientOptions } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createRegistry, type Registry, type RegistryOptions } from '../../src/servers/registry/registry.ts';
import { listen } from '../../src/servers/shell/listen.ts';

export interface TestRegistry {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly dir: string;
  readonly registry: Registry;
  /** What it logged as its own failures. */
  readonly failures: unknown[];
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-test-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export async function startRegistry(t: TestContext, options: Partial<RegistryOptions> = {}): Promise<TestRegistry> {
  const dir = options.dir ?? temporaryFolder(t);
  const failures: unknown[] = [];
  const registry = createRegistry({
    now: () => new Date(),
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (facts) => failures.push(facts),
    },
    ...options,
    dir,
  });
  const server = await listen(registry.routes, { host: '127.0.0.1', port: 0 });
  t.after(async () => {
    await server.close(0);
    await registry.close();
  });
  return { url: server.url, host: `127.0.0.1:${server.port}`, dir, registry, failures };
}

/** Our own client, without credentials and without repeating what failed. */
export function clientOf(t: TestContext, http: HttpClientOptions = { retry: { retries: 0 } }): RegistryClient {
  const transport = new HttpClient(http);
  t.after(() => {
    transport.close();
  });
  return new RegistryClient({ http: transport, action: 'push' });
}

export function repositoryAt({ host }: { readonly host: string }, repository: string): Repository {
  return { registry: host, repository };
}
