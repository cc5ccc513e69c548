import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import { clusterImageAdmission } from '../../core/policy/judgement/cluster-image-admission.ts';
import {
  EXCEPTION_API_VERSION,
  parseImageException,
  type ImageException,
} from '../../core/policy/objects/image-exception.ts';
import { readStoredImagePolicy } from '../../core/policy/objects/image-policy.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { Logger } from '../shell/logger.ts';
import { KindWatch } from './kind-watch.ts';
import { sleepUnlessAborted } from './policy-watch.ts';

/** The objects of our own kinds in a cluster, as they are at the moment. */
export interface OwnKinds {
  /** Exceptions and broken glass. */
  exceptions(): readonly ImageException[];
  /** Of namespaces; the same array until one of them changes. */
  policies(): readonly AdmissionPolicy[];
  close(): Promise<void>;
}

const KINDS = { ImageException: 'imageexceptions', BreakGlass: 'breakglasses', ImagePolicy: 'imagepolicies' } as const;
type KindName = keyof typeof KINDS;

/** What an object of one kind means; undefined for an exception that is not valid. */
interface Meaning {
  readonly exception?: ImageException;
  readonly policy?: AdmissionPolicy;
}

/**
 * Exceptions and policies of namespaces, listed, then watched. While the API server cannot be asked, those known stay as they
 * are: each exception ends by itself. An exception that is not valid excepts nothing; a policy that is not refuses the images that
 * it is about; both are logged once. A cluster without the kinds has none, and nothing of this keeps a webhook from starting.
 */
export async function openOwnKinds(cluster: ClusterAccess, logger: Logger): Promise<OwnKinds> {
  const stop = new AbortController();
  /** Each object is read once: its identity is that of its state. */
  const read = new WeakMap<object, Meaning>();
  let exceptions: readonly ImageException[] = [];
  let policies: readonly AdmissionPolicy[] = [];
  const publish = (): Promise<void> => {
    const found = watches.flatMap(({ kind, watch }) =>
      [...watch.objects.values()].map((object) => meaningOf(kind, object, read, logger)),
    );
    exceptions = found.flatMap(({ exception }) => exception ?? []);
    const all = found.flatMap(({ policy }) => policy ?? []);
    const isSame = all.length === policies.length && all.every((policy, index) => policy === policies[index]);
    if (!isSame) policies = all;
    return Promise.resolve();
  };
  const watches = (Object.keys(KINDS) as KindName[]).map((kind) => ({
    kind,
    watch: new KindWatch({
      cluster,
      kind: { resource: KINDS[kind], apiVersions: [EXCEPTION_API_VERSION], isOptional: true },
      logger,
      signal: stop.signal,
      sleep: sleepUnlessAborted,
      onChange: publish,
      onConfirmed: () => undefined,
    }),
  }));
  const versions = await Promise.all(
    watches.map(({ kind, watch }) =>
      watch.list().catch((error: unknown) => {
        if (!(error instanceof SealwrightError)) throw error;
        logger.warn({ kind, error }, 'exceptions or policies of namespaces cannot be read; it is tried again');
        return undefined;
      }),
    ),
  );
  await publish();
  const watching = Promise.all(watches.map(({ watch }, index) => watch.run(versions[index])));
  return {
    exceptions: () => exceptions,
    policies: () => policies,
    close: async () => {
      stop.abort();
      await watching;
    },
  };
}

function meaningOf(kind: KindName, object: JsonValue, read: WeakMap<object, Meaning>, logger: Logger): Meaning {
  const key = object as JsonObject;
  const known = read.get(key);
  if (known !== undefined) return known;
  // The items of a list do not repeat what they are.
  const whole = { ...key, apiVersion: EXCEPTION_API_VERSION, kind };
  const meaning = kind === 'ImagePolicy' ? readPolicy(whole, logger) : readException(whole, logger);
  read.set(key, meaning);
  return meaning;
}

function readPolicy(object: JsonObject, logger: Logger): Meaning {
  const { policy, error } = readStoredImagePolicy(object);
  if (error !== undefined) {
    logger.error({ policy: policy.name, error }, 'policy cannot be used; its images are refused');
  }
  return { policy: clusterImageAdmission(policy) };
}

function readException(object: JsonObject, logger: Logger): Meaning {
  try {
    return { exception: parseImageException(new JsonFields(object, 'exception', 'FORMAT_POLICY')) };
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    logger.error({ error }, 'an exception is not valid, and excepts nothing');
    return {};
  }
}
