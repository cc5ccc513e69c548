import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import { parseWindow, windowJson, type ValidityWindow } from './validity-window.ts';

export const SIGNING_CONFIG_V02 = 'application/vnd.dev.sigstore.signingconfig.v0.2+json';

/** A service that signers may use. CA, issuer and log URLs are bases; a TSA's URL is the complete endpoint. */
export interface Service {
  readonly url: string;
  readonly majorApiVersion: number;
  readonly validFor: ValidityWindow;
  /** Empty when not given: then the service stands for itself. */
  readonly operator: string;
}

const SELECTORS = ['ALL', 'ANY', 'EXACT'] as const;

/** How many of the services to use. */
export interface ServiceConfiguration {
  readonly selector: (typeof SELECTORS)[number];
  /** For EXACT only; at least 1. */
  readonly count?: number;
}

export interface SigningConfig {
  readonly caUrls: readonly Service[];
  readonly oidcUrls: readonly Service[];
  readonly rekorTlogUrls: readonly Service[];
  readonly rekorTlogConfig?: ServiceConfiguration;
  readonly tsaUrls: readonly Service[];
  readonly tsaConfig?: ServiceConfiguration;
}

const MAX_SERVICES = 64;
const LIMITS = { maxBytes: 1 << 20, maxDepth: 8 };
const CODE = 'FORMAT_SIGNING_CONFIG';

/** @throws FormatError FORMAT_SIGNING_CONFIG; LimitError */
export function parseSigningConfig(input: Uint8Array | string): SigningConfig {
  return signingConfigFrom(new JsonFields(parseJson(input, 'the signing config', CODE, LIMITS), 'signingConfig', CODE));
}

/** The signing config inside a larger document. */
export function signingConfigFrom(fields: JsonFields): SigningConfig {
  fields.only('mediaType', 'caUrls', 'oidcUrls', 'rekorTlogUrls', 'rekorTlogConfig', 'tsaUrls', 'tsaConfig');
  if (fields.string('mediaType') !== SIGNING_CONFIG_V02) {
    throw new FormatError(CODE, 'the signing config has an unknown media type', {
      found: fields.string('mediaType').slice(0, 128),
      expected: SIGNING_CONFIG_V02,
    });
  }
  const services = (name: string): readonly Service[] => fields.objects(name, MAX_SERVICES).map(parseService);
  const rekorTlogConfig = parseConfiguration(fields, 'rekorTlogConfig', 'rekorTlogUrls');
  const tsaConfig = parseConfiguration(fields, 'tsaConfig', 'tsaUrls');
  return {
    caUrls: services('caUrls'),
    oidcUrls: services('oidcUrls'),
    rekorTlogUrls: services('rekorTlogUrls'),
    ...(rekorTlogConfig === undefined ? {} : { rekorTlogConfig }),
    tsaUrls: services('tsaUrls'),
    ...(tsaConfig === undefined ? {} : { tsaConfig }),
  };
}

/** protojson as sigstore-go writes it: no empty lists, but selections that are there even when they say nothing. */
export function encodeSigningConfig(config: SigningConfig): string {
  const services = (list: readonly Service[]): object[] | undefined =>
    unlessEmpty(list)?.map(({ url, majorApiVersion, validFor, operator }) => ({
      url,
      majorApiVersion,
      validFor: windowJson(validFor),
      ...(operator === '' ? {} : { operator }),
    }));
  const document = {
    mediaType: SIGNING_CONFIG_V02,
    caUrls: services(config.caUrls),
    oidcUrls: services(config.oidcUrls),
    rekorTlogUrls: services(config.rekorTlogUrls),
    rekorTlogConfig: config.rekorTlogConfig ?? {},
    tsaUrls: services(config.tsaUrls),
    tsaConfig: config.tsaConfig ?? {},
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function unlessEmpty<Element>(list: readonly Element[]): readonly Element[] | undefined {
  return list.length === 0 ? undefined : list;
}

function parseService(fields: JsonFields): Service {
  fields.only('url', 'majorApiVersion', 'validFor', 'operator');
  const url = fields.string('url');
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') || parsed.username !== '') {
    throw new FormatError(CODE, `${fields.path}.url is not a service's URL`, {
      expected: 'an http or https URL without credentials',
    });
  }
  return {
    url,
    majorApiVersion: fields.integer('majorApiVersion'),
    validFor: parseWindow(fields, 'validFor'),
    operator: fields.optionalString('operator') ?? '',
  };
}

/** cosign writes an empty one beside services that it does not list; with services, it would leave open how many to use. */
function parseConfiguration(fields: JsonFields, name: string, services: string): ServiceConfiguration | undefined {
  const configuration = fields.optionalObject(name)?.only('selector', 'count');
  if (configuration === undefined) return undefined;
  const isEmpty = configuration.names().length === 0 && fields.array(services, MAX_SERVICES).length === 0;
  if (isEmpty) return undefined;
  const text = configuration.optionalString('selector') ?? 'SERVICE_SELECTOR_UNDEFINED';
  const selector = SELECTORS.find((known) => known === text);
  const count = configuration.optionalInteger('count');
  if (selector === undefined || (selector === 'EXACT' && (count === undefined || count < 1 || count > MAX_SERVICES))) {
    throw new FormatError(CODE, `${configuration.path} does not say how many services to use`, {
      found: `${text.slice(0, 64)}${count === undefined ? '' : `, count ${count}`}`,
      expected: `ALL, ANY, or EXACT with a count of 1 to ${MAX_SERVICES}`,
    });
  }
  return { selector, ...(selector === 'EXACT' && count !== undefined ? { count } : {}) };
}
