import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { selectServices, type SelectedServices } from '../../core/trust/service-selection.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { parseTime, windowContains, windowText, type ValidityWindow } from '../../core/trust/validity-window.ts';
import { RemoteError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { MirrorCache } from '../../io/tuf/trust-cache.ts';
import { diagnoseWitnesses, type WitnessDiagnosisRequest } from './diagnose-witnesses.ts';
import { examine, notChecked, type Check, type Examined } from './diagnosis.ts';
import type { ResolvedTrust } from '../trust/trust-source.ts';

export interface TrustDiagnosisRequest {
  readonly resolve: () => Promise<ResolvedTrust>;
  /** Of a mirror's metadata; undefined for trust that is in files. */
  readonly cacheOf: (instance: string) => MirrorCache | undefined;
  readonly http: HttpClient;
  readonly now: Date;
  /** Nothing is to be signed, so no service is needed. */
  readonly isForVerifying: boolean;
  /** Witnesses are to do their work, and not only to answer. Absent: nobody is asked to. */
  readonly live?: Pick<WitnessDiagnosisRequest, 'random' | 'now' | 'onTime'>;
}

/** What ends sooner than this is worth a word. */
const SOON_MS = 14 * 86_400_000;
const METADATA_LIMITS = { maxBytes: 5_000_000, maxDepth: 32 };
const MAX_ANSWER_BYTES = 1 << 20;

/** Whom commands would trust, how long that lasts, which services they would sign with, and whether those answer. */
export async function diagnoseTrust(request: TrustDiagnosisRequest): Promise<readonly Check[]> {
  const { now } = request;
  let trust: ResolvedTrust | undefined;
  const source = await examine('trust', 'source', async () => {
    trust = await request.resolve();
    return { found: trust.source };
  });
  if (trust === undefined) {
    const why = 'nobody is trusted: see source';
    return [
      source,
      ...['expiry', 'authorities', 'signing config'].map((name) => notChecked('trust', name, why)),
      notChecked('services', 'reachability', why),
    ];
  }
  const { trustedRoot, signingConfig, instance } = trust;
  const checks = [source, expiry(instance === undefined ? undefined : request.cacheOf(instance), now)];
  checks.push(await examine('trust', 'authorities', () => authorities(trustedRoot, now)));
  if (request.isForVerifying) {
    const why = 'nothing is to be signed';
    return [...checks, notChecked('trust', 'signing config', why), notChecked('services', 'reachability', why)];
  }
  let services: SelectedServices | undefined;
  checks.push(
    await examine('trust', 'signing config', () => {
      if (signingConfig === undefined) {
        return {
          status: 'warning',
          found: 'none: verifying does not need one, signing does',
          fix: 'add --signing-config FILE',
        };
      }
      services = selectServices(signingConfig, now);
      return windows(services, now);
    }),
  );
  if (services === undefined) checks.push(notChecked('services', 'reachability', 'there is no service to sign with'));
  else checks.push(...(await servicesAnswer(services, trustedRoot, request)));
  return checks;
}

/** By what a mirror's metadata say of themselves; they were verified when trust was resolved. */
function expiry(cache: MirrorCache | undefined, now: Date): Check {
  if (cache === undefined) return notChecked('trust', 'expiry', 'trust comes from files, which do not expire');
  const ends = ['root', 'targets', 'snapshot', 'timestamp'].flatMap((role) => {
    const end = expiresAt(cache.read(`${role}.json`));
    return end === undefined ? [] : [{ role, end }];
  });
  if (ends.length === 0) return notChecked('trust', 'expiry', 'nothing is cached');
  const last = cache.lastRefresh();
  const asked = last === undefined ? '' : `asked at ${last.toISOString()}; `;
  const found = `${asked}${ends.map(({ role, end }) => `${role} until ${end.toISOString()}`).join(', ')}`;
  // Timestamps live for days and are renewed by machines; a root is signed by people.
  const isSoon = ends.some(({ role, end }) => role === 'root' && end.getTime() - now.getTime() < SOON_MS);
  if (!isSoon) return { area: 'trust', name: 'expiry', status: 'ok', found };
  return {
    area: 'trust',
    name: 'expiry',
    status: 'warning',
    found,
    expected: 'a root that lasts two weeks at least: its keepers have to sign it again',
    fix: 'sealwright initialize, once they have',
  };
}

function expiresAt(metadata: Uint8Array | undefined): Date | undefined {
  if (metadata === undefined) return undefined;
  const fields = new JsonFields(parseJson(metadata, 'metadata', 'FORMAT_TUF', METADATA_LIMITS), 'tuf', 'FORMAT_TUF');
  return parseTime(fields.object('signed').string('expires'));
}

function authorities(root: TrustedRoot, now: Date): Examined {
  const count = (list: readonly { readonly validFor: ValidityWindow }[]): number =>
    list.filter(({ validFor }) => windowContains(validFor, now)).length;
  const kinds = [
    ['certificate authorities', count(root.certificateAuthorities)],
    ['CT logs', count(root.ctlogs)],
    ['transparency logs', count(root.tlogs)],
    ['timestamp authorities', count(root.timestampAuthorities)],
  ] as const;
  const found = `${kinds.map(([kind, valid]) => `${valid} ${kind}`).join(', ')}, valid now`;
  const [[, cas], , [, logs], [, tsas]] = kinds;
  if (cas > 0 && logs + tsas > 0) return { found };
  return {
    status: 'warning',
    found,
    expected: 'an authority for certificates, and a log or timestamp authority: keyless signatures of now need them',
    fix: 'sealwright initialize, or another --trusted-root FILE',
  };
}

function windows({ ca, oidc, logs, tsas }: SelectedServices, now: Date): Examined {
  const all = [...(ca === undefined ? [] : [ca]), ...(oidc === undefined ? [] : [oidc]), ...logs, ...tsas];
  const found = all.map(({ url, validFor }) => `${url} (${windowText(validFor)})`).join('; ');
  const ending = all.find(({ validFor: { end } }) => end !== undefined && end.getTime() - now.getTime() < SOON_MS);
  if (ending === undefined) return { found: found === '' ? 'no service at all: a key signs by itself' : found };
  return {
    status: 'warning',
    found: `${ending.url} is used until ${ending.validFor.end?.toISOString() ?? ''}`,
    expected: 'a successor of it in the signing config',
    fix: 'sealwright initialize, once its keepers have named one',
  };
}

async function servicesAnswer(
  services: SelectedServices,
  trustedRoot: TrustedRoot,
  { http, live }: TrustDiagnosisRequest,
): Promise<readonly Check[]> {
  if (live === undefined) return reachable(services, http);
  const [others, witnesses] = await Promise.all([
    reachable({ ...services, logs: [], tsas: [] }, http),
    diagnoseWitnesses({ ...live, services, trustedRoot, http }),
  ]);
  return [...others, ...witnesses];
}

async function reachable({ ca, oidc, logs, tsas }: SelectedServices, http: HttpClient): Promise<readonly Check[]> {
  const places = [
    ...(ca === undefined ? [] : [{ name: 'certificate authority', base: ca.url, path: '/api/v2/configuration' }]),
    ...(oidc === undefined
      ? []
      : [{ name: 'identity provider', base: oidc.url, path: '/.well-known/openid-configuration' }]),
    ...logs.map(({ url, majorApiVersion }) => ({
      name: 'transparency log',
      base: url,
      path: majorApiVersion === 1 ? '/api/v1/log' : '/checkpoint',
    })),
    ...tsas.map(({ url }) => ({ name: 'timestamp authority', base: url, path: '/certchain' })),
  ];
  return Promise.all(
    places.map(({ name, base, path }) =>
      examine('services', name, async () => {
        const url = `${base.replace(/\/+$/, '')}${path}`;
        return { found: `${base} ${await answerOf(http, url)}` };
      }),
    ),
  );
}

/** Any answer but "not now" means that somebody is there: not every service has every page. */
async function answerOf(http: HttpClient, url: string): Promise<string> {
  try {
    await http.request({ url, maxBytes: MAX_ANSWER_BYTES, peer: 'the service' });
    return 'answers';
  } catch (error) {
    if (!(error instanceof RemoteError) || error.status === undefined || error.status >= 500) throw error;
    return `answers, with status ${error.status}`;
  }
}
