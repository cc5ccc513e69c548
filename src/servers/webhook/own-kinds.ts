import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { AdmissionPolicy } from '../../core/policy/admission-policy.ts';
import { clusterImageAdmission } from '../../core/policy/cluster-image-admission.ts';
import { readStoredImagePolicy } from '../../core/policy/image-policy.ts';
import { EXCEPTION_API_VERSION, parseImageException, type ImageException } from '../../core/policy/image-exception.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import type { Logger } from '../shell/logger.ts';

/** The objects of our own kinds in a cluster, as they are at the moment. */
export interface OwnKinds {
  /** Exceptions and broken glass. */
  exceptions(): readonly ImageException[];
  /** Of namespaces; the same array until one of them changes. */
  policies(): readonly AdmissionPolicy[];
  close(): Promise<void>;
}

const KINDS = { ImageException: 'imageexceptions', ImagePolicy: 'imagepolicies', BreakGlass: 'breakglasses' } as const;
const PERIOD_MS = 5000;
const MAX_ITEMS = 5000;

/**
 * Exceptions and policies of namespaces, asked for every five seconds. While the API server cannot be asked, those known stay as they
 * are: each exception ends by itself. An exception that is not valid excepts nothing; a policy that is not refuses the images that
 * it is about; both are logged once. A cluster without the kinds has none.
 */
export async function openOwnKinds(cluster: ClusterAccess, logger: Logger): Promise<OwnKinds> {
  let exceptions: readonly ImageException[] = [];
  let policies: readonly AdmissionPolicy[] = [];
  let policyText = '[]';
  const complained = new Set<string>();
  let isFailing = false;
  const read = async (): Promise<void> => {
    try {
      const [named, glasses, stored] = await Promise.all([
        list(cluster, 'ImageException'),
        list(cluster, 'BreakGlass'),
        list(cluster, 'ImagePolicy'),
      ]);
      exceptions = [...named, ...glasses].flatMap((item) => readException(item, complained, logger));
      const text = JSON.stringify(stored.map(identity));
      if (text !== policyText) policies = stored.map((item) => readPolicy(item, logger));
      policyText = text;
      isFailing = false;
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      if (!isFailing) logger.warn({ error }, 'exceptions and policies of namespaces cannot be read; those known stay');
      isFailing = true;
    }
  };
  await read();
  const stop = new AbortController();
  const { setTimeout: sleep } = await import('node:timers/promises');
  const isStopped = (): boolean => stop.signal.aborted;
  const polling = (async (): Promise<void> => {
    for (;;) {
      await sleep(PERIOD_MS, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (isStopped()) return;
      await read();
    }
  })();
  return {
    exceptions: () => exceptions,
    policies: () => policies,
    close: async () => {
      stop.abort();
      await polling;
    },
  };
}

async function list(cluster: ClusterAccess, kind: keyof typeof KINDS): Promise<readonly JsonObject[]> {
  const answer = await fetchClusterObject(cluster, `/apis/${EXCEPTION_API_VERSION}/${KINDS[kind]}`);
  // The items of a list do not repeat what they are.
  return (answer?.array('items', MAX_ITEMS) ?? []).map((item) => ({
    ...(item as JsonObject),
    apiVersion: EXCEPTION_API_VERSION,
    kind,
  }));
}

/** What changes with every change of an object. */
function identity({ metadata, spec }: JsonObject): JsonValue {
  const { namespace, name, resourceVersion } = (metadata ?? {}) as JsonObject;
  return [namespace ?? '', name ?? '', resourceVersion ?? spec ?? ''];
}

function readPolicy(item: JsonObject, logger: Logger): AdmissionPolicy {
  const { policy, error } = readStoredImagePolicy(item);
  if (error !== undefined)
    logger.error({ policy: policy.name, error }, 'policy cannot be used; its images are refused');
  return clusterImageAdmission(policy);
}

function readException(item: JsonObject, complained: Set<string>, logger: Logger): readonly ImageException[] {
  try {
    return [parseImageException(new JsonFields(item, 'exception', 'FORMAT_POLICY'))];
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    const name = JSON.stringify(item['metadata'] ?? {}).slice(0, 2000);
    if (!complained.has(name)) logger.error({ error }, 'an exception is not valid, and excepts nothing');
    if (complained.size < MAX_ITEMS) complained.add(name);
    return [];
  }
}
