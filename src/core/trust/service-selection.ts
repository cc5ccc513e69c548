import { UsageError } from '../../errors.ts';
import type { Service, ServiceConfiguration, SigningConfig } from './signing-config.ts';
import { windowContains, windowText } from './validity-window.ts';

/** Major API versions the client can speak, for each kind of service. */
export interface SupportedVersions {
  readonly ca: readonly number[];
  readonly oidc: readonly number[];
  readonly log: readonly number[];
  readonly tsa: readonly number[];
}

/** The services to sign with. A kind that the config does not list at all stays empty. */
export interface SelectedServices {
  readonly ca?: Service;
  readonly oidc?: Service;
  /** All of one major version. */
  readonly logs: readonly Service[];
  readonly tsas: readonly Service[];
}

export const DEFAULT_VERSIONS: SupportedVersions = { ca: [1], oidc: [1], log: [1, 2], tsa: [1] };

const ONE: ServiceConfiguration = { selector: 'ANY' };

/**
 * Chooses as Sigstore's clients do: valid now, the highest version that is supported and present, the newest start
 * first, one per operator, then as many as the selector asks for. CA and issuer are always one.
 *
 * @throws UsageError USAGE_BAD_CONFIG when services are listed, but not enough of them can be used now
 */
export function selectServices(
  config: SigningConfig,
  now: Date,
  supported: SupportedVersions = DEFAULT_VERSIONS,
): SelectedServices {
  const [ca] = select('certificate authority', config.caUrls, ONE, supported.ca, now);
  const [oidc] = select('identity provider', config.oidcUrls, ONE, supported.oidc, now);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(oidc === undefined ? {} : { oidc }),
    logs: select('transparency log', config.rekorTlogUrls, config.rekorTlogConfig, supported.log, now),
    tsas: select('timestamp authority', config.tsaUrls, config.tsaConfig, supported.tsa, now),
  };
}

function select(
  kind: string,
  services: readonly Service[],
  configuration: ServiceConfiguration | undefined,
  versions: readonly number[],
  now: Date,
): readonly Service[] {
  if (services.length === 0) return [];
  if (configuration === undefined) {
    throw unusable(kind, 'no selector', 'a selector: ALL, ANY or EXACT');
  }
  const candidates = usable(services, versions, now);
  const wanted = configuration.selector === 'EXACT' ? (configuration.count ?? 1) : 1;
  if (candidates.length < wanted) {
    const listed = services.map(
      ({ url, majorApiVersion, validFor }) => `${url} (v${majorApiVersion}, ${windowText(validFor)})`,
    );
    throw unusable(
      kind,
      listed.join('; '),
      `at least ${wanted}, by different operators, of version ${versions.join(' or ')}, valid at ${now.toISOString()}`,
    );
  }
  return configuration.selector === 'ALL' ? candidates : candidates.slice(0, wanted);
}

/** One per operator, newest start first, all of the highest version. */
function usable(services: readonly Service[], versions: readonly number[], now: Date): readonly Service[] {
  const valid = services.filter(
    ({ majorApiVersion, validFor }) => versions.includes(majorApiVersion) && windowContains(validFor, now),
  );
  const highest = Math.max(...valid.map(({ majorApiVersion }) => majorApiVersion));
  const newestFirst = valid
    .filter(({ majorApiVersion }) => majorApiVersion === highest)
    .sort((a, b) => b.validFor.start.getTime() - a.validFor.start.getTime());
  const byOperator = new Map<string, Service>();
  for (const service of newestFirst) {
    const operator = service.operator === '' ? service.url : service.operator;
    if (!byOperator.has(operator)) byOperator.set(operator, service);
  }
  return [...byOperator.values()];
}

function unusable(kind: string, found: string, expected: string): UsageError {
  return new UsageError('USAGE_BAD_CONFIG', `the signing config has no usable ${kind}`, { found, expected });
}
