import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { IntegrityError, NotFoundError, SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';
import type { Logger } from '../shell/logger.ts';
import { announceAuthorities } from './authority-announcement.ts';
import {
  authorityBundle,
  rotate,
  type CertificateState,
  type RotationRules,
  type ServingPair,
} from './certificate-rotation.ts';
import { certificateStateData, readCertificateState } from './certificate-secret.ts';
import { serverName } from './server-name.ts';

export interface RotatingCertificateOptions {
  readonly cluster: ClusterAccess;
  readonly namespace: string;
  /** Name of a Secret that is there, empty at first; all replicas share it. */
  readonly secret: string;
  /** Name of the webhook configurations that are told of the authorities. */
  readonly configuration: string;
  /** DNS names and addresses at which the API server reaches the webhook. */
  readonly hosts: readonly string[];
  readonly now: () => Date;
  readonly rules?: RotationRules;
  /** How often the Secret is read; a minute when absent, never by itself when 0. */
  readonly checkMs?: number;
  readonly logger?: Logger;
}

export interface RotatingCertificate {
  /** What to serve with now. */
  current(): ServingPair;
  /** End of its validity. */
  expiresAt(): Date;
  /** Called with each later one. */
  onRenewal(use: (pair: ServingPair) => void): void;
  /** Reads the Secret, does what is due, and tells the configurations. */
  check(): Promise<void>;
  close(): Promise<void>;
}

const CHECK_MS = 60_000;
const NOT_FOUND = 404;
const CONFLICT = 409;
/** As often as replicas that start together get in each other's way. */
const MAX_ATTEMPTS = 10;

/**
 * A certificate that renews itself, kept in a Secret. Every replica does what is due, whoever comes first: a write that meets
 * another's is refused by the API server (`resourceVersion`), and what the other wrote is used. So there is no leader, and no
 * replica whose end could keep the others from being believed.
 *
 * @throws NotFoundError when the Secret is not there; RemoteError
 */
export async function openRotatingCertificate(options: RotatingCertificateOptions): Promise<RotatingCertificate> {
  const rotation = new Rotation(options);
  await rotation.check();
  const stop = new AbortController();
  const { checkMs = CHECK_MS } = options;
  const running = checkMs === 0 ? undefined : rotation.run(checkMs, stop.signal);
  return {
    current: () => rotation.state.serving,
    expiresAt: () => Certificate.fromPem(rotation.state.serving.certificate).notAfter,
    onRenewal: (use) => {
      rotation.use = use;
    },
    check: () => rotation.check(),
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

class Rotation {
  readonly #options: RotatingCertificateOptions;
  readonly #path: string;
  #state: CertificateState | undefined;
  use: ((pair: ServingPair) => void) | undefined;

  constructor(options: RotatingCertificateOptions) {
    this.#options = options;
    this.#path = objectPath('Secret', options.secret, options.namespace);
  }

  get state(): CertificateState {
    if (this.#state !== undefined) return this.#state;
    throw new IntegrityError('STATE_UNAVAILABLE', 'there is no serving certificate yet');
  }

  async run(checkMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(checkMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.check();
      } catch (error) {
        if (!(error instanceof SealwrightError)) throw error;
        this.#options.logger?.error({ error }, 'the serving certificate could not be checked; the one before stays');
      }
    }
  }

  async check(): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const secret = await this.#read();
      const known = this.#parse(secret);
      // Told before anything is decided: a successor is served when everybody has heard of it.
      const isAnnounced = known !== undefined && (await this.#announce(known));
      const next = rotate(known, {
        names: this.#options.hosts.map(serverName),
        now: this.#options.now(),
        isAnnounced,
        ...(this.#options.rules === undefined ? {} : { rules: this.#options.rules }),
      });
      if (next === known) {
        this.#serve(next);
        return;
      }
      if (await this.#write(secret, next))
        this.#options.logger?.info(facts(next), 'the serving certificate was renewed');
    }
    throw new IntegrityError('STATE_CONFLICT', 'the Secret of the serving certificate is being changed all the time', {
      found: `${MAX_ATTEMPTS} writes that met another`,
      expected: `that only replicas of this webhook write to ${this.#options.secret}`,
    });
  }

  #announce(state: CertificateState): Promise<boolean> {
    const { cluster, configuration, namespace } = this.#options;
    return announceAuthorities({ cluster, configuration, namespace, bundle: authorityBundle(state) });
  }

  #serve(state: CertificateState): void {
    const isOther = this.#state !== undefined && this.#state.serving.certificate !== state.serving.certificate;
    this.#state = state;
    if (isOther) this.use?.(state.serving);
  }

  async #read(): Promise<JsonFields> {
    const { cluster, secret, namespace } = this.#options;
    const { status, object } = await askCluster(cluster, { path: this.#path, expect: [NOT_FOUND] });
    if (status !== NOT_FOUND) return object;
    throw new NotFoundError('NOT_FOUND', `there is no Secret ${namespace}/${secret} for the serving certificate`, {
      expected: 'the Secret that comes with the installation, with or without data',
      fix: `kubectl -n ${namespace} create secret generic ${secret}`,
    });
  }

  /** What cannot be read is made anew: nothing could be served with it. */
  #parse(secret: JsonFields): CertificateState | undefined {
    try {
      return readCertificateState(secret);
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      this.#options.logger?.error(
        { error },
        'the Secret of the serving certificate cannot be read and is written anew',
      );
      return undefined;
    }
  }

  async #write(secret: JsonFields, state: CertificateState): Promise<boolean> {
    const { cluster } = this.#options;
    const metadata = secret.value('metadata') ?? {};
    const document: JsonObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      type: secret.optionalString('type') ?? 'Opaque',
      data: certificateStateData(state),
    };
    const { status } = await askCluster(cluster, { method: 'PUT', path: this.#path, document, expect: [CONFLICT] });
    return status !== CONFLICT;
  }
}

function facts({ serving, next, authorities }: CertificateState): object {
  return {
    validUntil: Certificate.fromPem(serving.certificate).notAfter,
    authorities: authorities.length,
    ...(next === undefined ? {} : { nextValidUntil: Certificate.fromPem(next.certificate).notAfter }),
  };
}
