import { parseServiceFlag, parseServiceSelection } from '../../core/trust/service-spec.ts';
import type { Service, ServiceConfiguration, SigningConfig } from '../../core/trust/signing-config.ts';
import { UsageError } from '../../errors.ts';

export interface SigningConfigRequest {
  /** Each `url=…,api-version=N,start-time=…,operator=…[,end-time=…]`. */
  readonly fulcio: readonly string[];
  readonly rekor: readonly string[];
  readonly oidc: readonly string[];
  readonly tsa: readonly string[];
  /** `ANY`, `ALL` or `EXACT:N`; needed with the services that they are for. */
  readonly rekorConfig: string | undefined;
  readonly tsaConfig: string | undefined;
  /** What is there already; of a kind that is given, it is replaced. */
  readonly defaults: SigningConfig;
  /** Keeps the defaults beside what is given, as cosign does although its help promises otherwise. */
  readonly append: boolean;
}

/** @throws UsageError USAGE_BAD_FLAG */
export function createSigningConfig(request: SigningConfigRequest): SigningConfig {
  const { defaults, append } = request;
  const services = (flag: string, texts: readonly string[], before: readonly Service[]): readonly Service[] => {
    const given = texts.map((text) => parseServiceFlag(flag, text));
    return append || given.length === 0 ? [...before, ...given] : given;
  };
  const rekorTlogConfig = selection('rekor', request.rekor, request.rekorConfig) ?? defaults.rekorTlogConfig;
  const tsaConfig = selection('tsa', request.tsa, request.tsaConfig) ?? defaults.tsaConfig;
  return {
    caUrls: services('fulcio', request.fulcio, defaults.caUrls),
    oidcUrls: services('oidc-provider', request.oidc, defaults.oidcUrls),
    rekorTlogUrls: services('rekor', request.rekor, defaults.rekorTlogUrls),
    ...(rekorTlogConfig === undefined ? {} : { rekorTlogConfig }),
    tsaUrls: services('tsa', request.tsa, defaults.tsaUrls),
    ...(tsaConfig === undefined ? {} : { tsaConfig }),
  };
}

function selection(flag: string, given: readonly string[], text: string | undefined): ServiceConfiguration | undefined {
  if (text !== undefined) return parseServiceSelection(`${flag}-config`, text);
  if (given.length === 0) return undefined;
  throw new UsageError('USAGE_BAD_FLAG', `--${flag}-config is missing`, {
    found: `--${flag} without it`,
    expected: `how many of the services to use: --${flag}-config ANY, ALL or EXACT:N`,
  });
}
