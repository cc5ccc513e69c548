/** A registry that wants a password, and a cluster whose Secrets have it. */
import type { TestContext } from 'node:test';
import { Hono } from 'hono';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { ANONYMOUS, fixedCredentials, type Credentials } from '../../../src/io/registry/credentials.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { WorkloadRegistries } from '../../../src/servers/webhook/pull-secrets.ts';
import { createWebhook, type WebhookOptions } from '../../../src/servers/webhook/webhook.ts';
import { policyFor } from './door.ts';
import { ask, podSpec, type Answer } from './review.ts';
import { World } from './world.ts';

export const PASSWORD = 'correct horse';

export interface PrivateRegistry {
  readonly world: World;
  /** Objects of the cluster by path; everything else is not there. */
  readonly objects: Map<string, object>;
  /** Paths that the cluster was asked for. */
  readonly asked: string[];
  readonly image: string;
  readonly admit: (spec?: object, source?: string) => Promise<Answer>;
  /** Under other policies than the one for ClusterImagePolicies. */
  readonly judge: (policies: PolicySet, spec?: object, more?: Partial<WebhookOptions>) => Promise<Answer>;
}

/** A registry that wants a password from the moment on that the image is in it, and a cluster. */
export async function openPrivateRegistry(t: TestContext, own: Credentials = ANONYMOUS): Promise<PrivateRegistry> {
  const world = await World.open(t);
  const image = await world.pushSigned('shop/app');
  world.fault.answer = (request) => {
    const expected = `Basic ${Buffer.from(`robot:${PASSWORD}`).toString('base64')}`;
    if (request.headers.get('authorization') === expected) return undefined;
    return new Response('{}', { status: 401, headers: { 'www-authenticate': 'Basic realm="shop"' } });
  };
  const objects = new Map<string, object>();
  const asked: string[] = [];
  const app = new Hono();
  app.get('*', (context) => {
    asked.push(context.req.path);
    const object = objects.get(context.req.path);
    return object === undefined ? context.json({}, 404) : context.json(object);
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const http = new HttpClient({ timeoutMs: 2000, retry: { retries: 0 } });
  t.after(async () => {
    http.close();
    await server.close(0);
  });
  const workloads = new WorkloadRegistries({
    systemNamespace: 'cosign-system',
    cluster: { server: `http://127.0.0.1:${server.port}`, http, authorization: () => Promise.resolve('Bearer token') },
    open: (credentials) => new RegistryClient({ http, credentials }),
    own: fixedCredentials(own),
    now: () => new Date(),
  });
  const judge: PrivateRegistry['judge'] = (policies, spec = {}, more = {}) => {
    const webhook = createWebhook({
      policies: { current: () => policies, ready: () => Promise.resolve(), close: () => Promise.resolve() },
      registry: world.client,
      workloads,
      trustedRoot: world.instance.trustedRoot,
      now: () => new Date(),
      ...more,
    });
    t.after(() => webhook.close());
    const object = { metadata: { name: 'p', namespace: 'shop' }, spec: { ...podSpec(image.toString()), ...spec } };
    return ask(webhook.routes, 'mutate', { object });
  };
  return {
    world,
    objects,
    asked,
    image: `${image.context}@${image.digest!.toString()}`,
    admit: (spec, source = '') => {
      const text = policyFor(world).replace(/}]}}]/, `}]}${source}}]`);
      return judge(PolicySet.ofClusterImages(parseClusterImagePolicies(text, 'file')), spec);
    },
    judge,
  };
}

export function dockerConfig(host: string, password = PASSWORD): object {
  const auths = { [host]: { auth: Buffer.from(`robot:${password}`).toString('base64') } };
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') };
  return { type: 'kubernetes.io/dockerconfigjson', data };
}
