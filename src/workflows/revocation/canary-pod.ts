import { RESTRICTED_CONTAINER, RESTRICTED_POD } from '../../core/installation/restricted-pod.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { RemoteError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { REVOKED_LABEL } from './end-running-copy.ts';

/** What the API server says to a pod that runs the canary: asked for real, with nothing created. */
export type DoorAnswer = 'admitted' | 'revoked';

const NOT_FOUND = 404;
const REFUSED = [400, 403, 422];
const LABELS = new Map([['sealwright.dev/drill', 'true']]);

/** The pod of a drill: one that asks for nothing, and that every standard of pod security lets in. */
export class CanaryPod {
  readonly name: string;
  readonly namespace: string;
  readonly #cluster: ClusterAccess;
  readonly #image: string;
  #uid: string | undefined;

  constructor(cluster: ClusterAccess, where: { readonly namespace: string; readonly name: string }, image: string) {
    this.#cluster = cluster;
    this.name = where.name;
    this.namespace = where.namespace;
    this.#image = image;
  }

  get labels(): ReadonlyMap<string, string> {
    return LABELS;
  }

  /** @throws RemoteError REMOTE_STATUS where it is refused for another reason than a revocation; REMOTE_* */
  async ask(): Promise<DoorAnswer> {
    const { status, object } = await askCluster(this.#cluster, {
      method: 'POST',
      path: `${this.#path}?dryRun=All`,
      document: this.#document(`${this.name}-probe`),
      expect: REFUSED,
    });
    if (!REFUSED.includes(status)) return 'admitted';
    const message = object.optionalString('message') ?? '';
    if (/\bREVOKED\b/.test(message)) return 'revoked';
    throw new RemoteError('REMOTE_STATUS', 'the API server refuses the canary, and not because it is revoked', {
      found: `${status}: ${message.slice(0, 300)}`,
      expected: 'a canary that is admitted until it is revoked',
      status,
    });
  }

  /** Leaves it running. @throws RemoteError REMOTE_STATUS where it is refused; REMOTE_* */
  async start(): Promise<void> {
    const { object } = await askCluster(this.#cluster, {
      method: 'POST',
      path: this.#path,
      document: this.#document(this.name),
    });
    this.#uid = object.object('metadata').string('uid');
  }

  /** Whether somebody else has found it out: `revoke watch` labels what is revoked, and ends it where it is told to. */
  async isFoundOut(): Promise<boolean> {
    const { status, object } = await askCluster(this.#cluster, {
      path: `${this.#path}/${encodeURIComponent(this.name)}`,
      expect: [NOT_FOUND],
    });
    if (status === NOT_FOUND) return true;
    const metadata = object.object('metadata');
    return metadata.has('deletionTimestamp') || metadata.optionalObject('labels')?.has(REVOKED_LABEL) === true;
  }

  /** Takes away what `start` has left. @throws RemoteError */
  async remove(): Promise<void> {
    if (this.#uid === undefined) return;
    await askCluster(this.#cluster, {
      method: 'DELETE',
      path: `${this.#path}/${encodeURIComponent(this.name)}`,
      document: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds: 0,
        preconditions: { uid: this.#uid },
      },
      expect: [NOT_FOUND, 409],
    });
    this.#uid = undefined;
  }

  get #path(): string {
    return `/api/v1/namespaces/${encodeURIComponent(this.namespace)}/pods`;
  }

  #document(name: string): JsonObject {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: this.namespace, labels: Object.fromEntries(LABELS) },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 0,
        restartPolicy: 'Never',
        securityContext: RESTRICTED_POD,
        containers: [
          {
            name: 'canary',
            image: this.#image,
            resources: { requests: { cpu: '1m', memory: '4Mi' }, limits: { cpu: '10m', memory: '16Mi' } },
            securityContext: RESTRICTED_CONTAINER,
          },
        ],
      },
    };
  }
}
