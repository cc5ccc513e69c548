import type { Hono } from 'hono';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { encodeSigningConfig } from '../../core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../core/trust/trusted-root.ts';
import { RemoteError, SealwrightError, UsageError } from '../../errors.ts';
import { createCa } from '../ca/ca.ts';
import { KeptDocument } from '../../io/files/kept-document.ts';
import { SuspendedIdentities } from '../ca/suspended-identities.ts';
import type { TrustedIssuer } from '../ca/token-verifier.ts';
import { createCtLog } from '../log/ct-log.ts';
import { createTransparencyLog } from '../log/transparency-log.ts';
import { createDevIssuer } from '../oidc/dev-issuer.ts';
import { createRegistry } from '../registry/registry.ts';
import { createApp } from '../shell/app.ts';
import { SharedSecret } from '../shell/shared-secret.ts';
import { mountHealth, type ReadinessCheck } from '../shell/health.ts';
import type { Logger } from '../shell/logger.ts';
import { createTrustRepository } from '../trust/trust-repository.ts';
import { createTsa } from '../tsa/tsa.ts';
import { issueIntermediate, issueRoot, issueTimestampLeaf } from './authority-certificates.ts';
import { CertificateStore } from './certificate-store.ts';
import { KeyStore } from './key-store.ts';
import { ctOrigin, logOrigin } from './log-origin.ts';
import { OperatorJournal } from './operator-journal.ts';
import { operatorRoutes } from './operator-routes.ts';
import { keepRevocationDocuments } from './revocation-documents.ts';
import type { StackFolder } from './stack-folder.ts';
import { describeSigningConfig, describeTrustedRoot, type StackDescription } from './trust-documents.ts';

export interface StackServicesOptions {
  readonly folder: StackFolder;
  /** `http://host:port`, without a final slash: known before anything is made, because certificates and logs name it. */
  readonly url: string;
  /** When the folder was first used. */
  readonly since: Date;
  /** Besides the development issuer. */
  readonly issuers: readonly TrustedIssuer[];
  readonly now: () => Date;
  readonly logger: Logger;
}

export interface StackServices {
  readonly app: Hono;
  readonly trustedRoot: string;
  readonly signingConfig: string;
  /** Version 1 of the TUF root. */
  readonly rootJson: string;
  close(): Promise<void>;
}

/** Something with routes that must be closed, the later ones first. */
interface Service {
  readonly routes: Hono;
  close(): Promise<void>;
}

interface StackKeys {
  readonly caRoot: PrivateKey;
  readonly ca: PrivateKey;
  readonly tsaRoot: PrivateKey;
  readonly tsa: PrivateKey;
  readonly log: PrivateKey;
  readonly ct: PrivateKey;
  readonly issuer: PrivateKey;
  readonly tuf: { root: PrivateKey; targets: PrivateKey; snapshot: PrivateKey; timestamp: PrivateKey };
}

/** What every client of cosign asks a token for. */
const AUDIENCE = 'sigstore';

/** Every role over one folder, behind one application. Roles know nothing of each other; what they share is handed in. */
export async function openStackServices(options: StackServicesOptions): Promise<StackServices> {
  const keys = await openKeys(new KeyStore(await options.folder.part('keys')));
  const description = await describeStack(options, keys);
  const trustedRoot = encodeTrustedRoot(describeTrustedRoot(description));
  const signingConfig = encodeSigningConfig(describeSigningConfig(description));
  const opened: Service[] = [];
  const close = async (): Promise<void> => {
    for (const service of opened.reverse()) await service.close();
  };
  try {
    const suspended = await SuspendedIdentities.open(new KeptDocument(options.folder.suspensions));
    const authorities = await openAuthorities(options, keys, description, opened, suspended);
    const trust = await createTrustRepository({
      dir: await options.folder.part('tuf'),
      keys: keys.tuf,
      trustedRoot,
      signingConfig,
      now: options.now,
      logger: options.logger,
    });
    opened.push(trust);
    const { rootJson, revocations } = trust;
    const app = mount({ ...authorities, trust }, options.logger);
    const { folder, now } = options;
    const secret = new SharedSecret('operator', await folder.operatorSecret(), now);
    const journal = new OperatorJournal(folder.operatorJournal, now);
    const keepRevocations = (): Promise<void> => keepRevocationDocuments(folder.revocations, revocations.documents);
    await keepRevocations();
    app.route(
      '/operator',
      operatorRoutes({ secret, journal, revocations, keepRevocations, suspended, now, logger: options.logger }),
    );
    return { app, trustedRoot, signingConfig, rootJson, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Role = 'log' | 'ct' | 'issuer' | 'ca' | 'tsa' | 'registry';

/** @param opened takes each service as it is opened, so that a failure half-way closes them all */
async function openAuthorities(
  { folder, url, issuers, now, logger }: StackServicesOptions,
  keys: StackKeys,
  { logOrigin: origin, issuer: issuerUrl, caChain, tsaChain }: StackDescription,
  opened: Service[],
  suspended: SuspendedIdentities,
): Promise<Record<Role, Service>> {
  const shared = { now, logger };
  const keep = <Opened extends Service>(service: Opened): Opened => {
    opened.push(service);
    return service;
  };
  const roots = caChain.slice(-1);
  const [logDir, ctDir, registryDir] = [
    await folder.part('log'),
    await folder.part('ct'),
    await folder.part('registry'),
  ];
  // Each log starts a thread of its own, so they start side by side; both are waited for, or one could stay behind open.
  const [openedLog, openedCt] = await Promise.allSettled([
    createTransparencyLog({ dir: logDir, origin, key: keys.log, ...shared }).then(keep),
    createCtLog({ dir: ctDir, origin: ctOrigin(url), key: keys.ct, roots, ...shared }).then(keep),
  ]);
  if (openedLog.status === 'rejected') throw openedLog.reason;
  if (openedCt.status === 'rejected') throw openedCt.reason;
  const [log, ct] = [openedLog.value, openedCt.value];
  const developerSecret = await folder.developerSecret();
  const host = new URL(url).hostname;
  const issuer = keep(createDevIssuer({ issuerUrl, host, key: keys.issuer, developerSecret, ...shared }));
  const ca = keep(
    createCa({
      key: keys.ca,
      chain: caChain,
      requestSct: (submission) => ct.requestSct(submission),
      suspended,
      issuers: [{ config: { issuerUrl, clientId: AUDIENCE, type: 'email' }, keys: () => issuer.keys() }, ...issuers],
      ...shared,
    }),
  );
  const tsa = keep(createTsa({ key: keys.tsa, chain: tsaChain, ...shared }));
  const registry = keep(createRegistry({ dir: registryDir, ...shared }));
  await registry.ready.catch((cause: unknown) => {
    throw unusableRegistry(registryDir, cause);
  });
  return { log, ct, issuer, ca, tsa, registry };
}

/** Said at the start, while somebody is looking, and not by the first push. */
function unusableRegistry(dir: string, cause: unknown): unknown {
  if (cause instanceof SealwrightError) return cause;
  const found = cause instanceof Error ? `${dir}: ${cause.message}` : dir;
  return new UsageError('USAGE_FILE', "the registry's folder cannot be used", { found, cause });
}

/** One port, one map. */
function mount(services: Record<Role | 'trust', Service>, logger: Logger): Hono {
  const app = createApp(logger);
  mountHealth(app, readinessChecks(app));
  for (const role of ['log', 'ca', 'tsa', 'registry'] as const) app.route('/', services[role].routes);
  app.route('/ct', services.ct.routes);
  app.route('/oidc', services.issuer.routes);
  app.route('/tuf', services.trust.routes);
  return app;
}

/** All at once on the first start: each key waits for the disk twice before it counts as written. */
async function openKeys(store: KeyStore): Promise<StackKeys> {
  const p256 = (name: string): Promise<PrivateKey> => store.key(name, 'ecdsa-p256');
  const [caRoot, ca, tsaRoot, tsa, ct, root, targets, snapshot, timestamp, log, issuer] = await Promise.all([
    p256('ca-root'),
    p256('ca'),
    p256('tsa-root'),
    p256('tsa'),
    p256('ct'),
    p256('tuf-root'),
    p256('tuf-targets'),
    p256('tuf-snapshot'),
    p256('tuf-timestamp'),
    store.key('log', 'ed25519'),
    // cosign takes a token given by flag for one only if it is RS256.
    store.key('issuer', 'rsa'),
  ]);
  return { caRoot, ca, tsaRoot, tsa, log, ct, issuer, tuf: { root, targets, snapshot, timestamp } };
}

async function describeStack({ folder, url, since }: StackServicesOptions, keys: StackKeys): Promise<StackDescription> {
  const store = new CertificateStore(await folder.part('certificates'));
  const caChain = await store.chain('ca', keys.ca.publicKey, () => {
    const root = { key: keys.caRoot, certificate: issueRoot(keys.caRoot, 'Sealwright CA root', since) };
    return [issueIntermediate(keys.ca, 'Sealwright CA', root), root.certificate];
  });
  const tsaChain = await store.chain('tsa', keys.tsa.publicKey, () => {
    const root = { key: keys.tsaRoot, certificate: issueRoot(keys.tsaRoot, 'Sealwright TSA root', since) };
    return [issueTimestampLeaf(keys.tsa, 'Sealwright TSA', root), root.certificate];
  });
  return {
    url,
    logOrigin: logOrigin(url),
    issuer: `${url}/oidc`,
    since,
    logKey: keys.log.publicKey,
    ctKey: keys.ct.publicKey,
    caChain,
    tsaChain,
  };
}

/** Each role answers a request that it needs its whole state for. */
function readinessChecks(app: Hono): readonly ReadinessCheck[] {
  const paths = {
    log: '/checkpoint',
    ct: '/ct/checkpoint',
    ca: '/api/v2/trustBundle',
    tsa: '/api/v1/timestamp/certchain',
    issuer: '/oidc/.well-known/openid-configuration',
    trust: '/tuf/timestamp.json',
    registry: '/v2/',
  };
  return Object.entries(paths).map(([name, path]) => ({
    name,
    check: async () => {
      const response = await app.request(path, { headers: { host: 'localhost' } });
      await response.body?.cancel();
      if (!response.ok) {
        throw new RemoteError('REMOTE_STATUS', `${name} is not ready`, { found: String(response.status) });
      }
    },
  }));
}
