/** A webhook in front of a world, with policies that a test exchanges at will. */
import type { TestContext } from 'node:test';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import type { PolicyEngines } from '../../../src/io/engines/policy-engines.ts';
import { createWebhook, type Webhook, type WebhookOptions } from '../../../src/servers/webhook/webhook.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { World } from './world.ts';

export interface Door {
  readonly world: World;
  readonly webhook: Webhook;
  /** Replaces the policies in force. */
  readonly enforce: (...texts: readonly string[]) => void;
}

export interface DoorOptions extends Pick<
  WebhookOptions,
  | 'noMatch'
  | 'actions'
  | 'store'
  | 'ledger'
  | 'events'
  | 'registryRequests'
  | 'certificateEnd'
  | 'exceptions'
  | 'revocations'
  | 'trust'
  | 'maxAgeMs'
  | 'lastKnownMs'
  | 'hasRoom'
> {
  readonly now?: () => Date;
  readonly engines?: PolicyEngines;
  /** Another webhook in front of the same world. */
  readonly world?: World;
}

export async function openDoor(t: TestContext, options: DoorOptions = {}): Promise<Door> {
  const { engines, world = await World.open(t), ...rest } = options;
  let policies = new PolicySet([]);
  const webhook = createWebhook({
    policies: { current: () => policies, ready: () => Promise.resolve(), close: () => Promise.resolve() },
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: () => new Date(),
    ...rest,
    ...(engines === undefined ? {} : { engines: engineSource(engines) }),
  });
  t.after(() => webhook.close());
  return {
    world,
    webhook,
    enforce: (...texts) => {
      policies = PolicySet.ofClusterImages(
        texts.flatMap((text, index) => parseClusterImagePolicies(text, `policy ${index}`)),
      );
    },
  };
}

function engineSource(engines: PolicyEngines): () => Promise<PolicyEngines> {
  return () => Promise.resolve(engines);
}

/** Wants a signature by the instance's usual subject on everything below `shop/`. */
export function policyFor(world: World, name = 'shop', rest = ''): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ${name}}
spec:
  images: [{glob: "${world.host}/shop/**"}]
  authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}]
${rest}
`;
}
