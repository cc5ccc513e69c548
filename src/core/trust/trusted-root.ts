import { encodeBase64 } from '../encoding/base64.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { Certificate } from '../pki/certificate.ts';
import { FormatError } from '../../errors.ts';
import { logInstanceJson, parseLogInstance, type LogInstance } from './log-instance.ts';
import { parseWindow, windowJson, type ValidityWindow } from './validity-window.ts';

/** What Sigstore's own instances publish, and the only spelling that cosign and sigstore-go read. */
export const TRUSTED_ROOT_V01 = 'application/vnd.dev.sigstore.trustedroot+json;version=0.1';
export const TRUSTED_ROOT_V02 = 'application/vnd.dev.sigstore.trustedroot.v0.2+json';
const MEDIA_TYPES = [TRUSTED_ROOT_V01, TRUSTED_ROOT_V02, 'application/vnd.dev.sigstore.trustedroot.v0.1+json'] as const;

export type TrustedRootMediaType = (typeof MEDIA_TYPES)[number];

/** A certificate authority, or the one behind a timestamp authority. */
export interface CertificateAuthority {
  readonly subject: { readonly organization?: string; readonly commonName?: string };
  readonly uri: string;
  /** At least one; each issued by the next, the last one believed without proof (it may be an intermediate). */
  readonly chain: readonly Certificate[];
  readonly validFor: ValidityWindow;
  readonly operator?: string;
}

/** Every key that is believed, and when. Whoever can write this decides what verifies. */
export interface TrustedRoot {
  readonly mediaType: TrustedRootMediaType;
  readonly tlogs: readonly LogInstance[];
  readonly ctlogs: readonly LogInstance[];
  readonly certificateAuthorities: readonly CertificateAuthority[];
  readonly timestampAuthorities: readonly CertificateAuthority[];
}

const MAX_INSTANCES = 64;
const MAX_CHAIN = 8;
const LIMITS = { maxBytes: 4 << 20, maxDepth: 16 };
const CODE = 'FORMAT_TRUSTED_ROOT';

/** @throws FormatError FORMAT_TRUSTED_ROOT (a damaged key or certificate is its cause); LimitError */
export function parseTrustedRoot(input: Uint8Array | string): TrustedRoot {
  return trustedRootFrom(new JsonFields(parseJson(input, 'the trusted root', CODE, LIMITS), 'trustedRoot', CODE));
}

/** The trusted root inside a larger document. */
export function trustedRootFrom(fields: JsonFields): TrustedRoot {
  fields.only('mediaType', 'tlogs', 'certificateAuthorities', 'ctlogs', 'timestampAuthorities');
  const mediaType = MEDIA_TYPES.find((known) => known === fields.string('mediaType'));
  if (mediaType === undefined) {
    throw new FormatError(CODE, 'the trusted root has an unknown media type', {
      found: fields.string('mediaType').slice(0, 128),
      expected: MEDIA_TYPES.join(', '),
    });
  }
  const each = <Value>(name: string, parse: (element: JsonFields) => Value): readonly Value[] =>
    fields.objects(name, MAX_INSTANCES).map((element) => asRootError(element, parse));
  const root: TrustedRoot = {
    mediaType,
    tlogs: each('tlogs', (log) => parseLogInstance(log, true)),
    ctlogs: each('ctlogs', (log) => parseLogInstance(log, false)),
    certificateAuthorities: each('certificateAuthorities', parseAuthority),
    timestampAuthorities: each('timestampAuthorities', parseAuthority),
  };
  return root;
}

/** JSON in the order of the proto fields, without what is empty; the media type decides which clients read it. */
export function encodeTrustedRoot(root: TrustedRoot): string {
  const document = {
    mediaType: root.mediaType,
    tlogs: listJson(root.tlogs, logInstanceJson),
    certificateAuthorities: listJson(root.certificateAuthorities, authorityJson),
    ctlogs: listJson(root.ctlogs, logInstanceJson),
    timestampAuthorities: listJson(root.timestampAuthorities, authorityJson),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function listJson<Element>(list: readonly Element[], json: (element: Element) => object): object[] | undefined {
  return list.length === 0 ? undefined : list.map(json);
}

function parseAuthority(fields: JsonFields): CertificateAuthority {
  fields.only('subject', 'uri', 'certChain', 'validFor', 'operator');
  const certificates = fields.object('certChain').only('certificates').objects('certificates', MAX_CHAIN);
  if (certificates.length === 0) {
    throw new FormatError(CODE, `${fields.path}.certChain is empty`, { expected: 'at least one certificate' });
  }
  const subject = fields.optionalObject('subject')?.only('organization', 'commonName');
  const organization = subject?.optionalString('organization');
  const commonName = subject?.optionalString('commonName');
  const operator = fields.optionalString('operator');
  return {
    subject: {
      ...(organization === undefined ? {} : { organization }),
      ...(commonName === undefined ? {} : { commonName }),
    },
    uri: fields.optionalString('uri') ?? '',
    chain: certificates.map((certificate) => Certificate.parse(certificate.only('rawBytes').bytes('rawBytes'))),
    validFor: parseWindow(fields, 'validFor'),
    ...(operator === undefined || operator === '' ? {} : { operator }),
  };
}

function authorityJson(authority: CertificateAuthority): object {
  return {
    subject: authority.subject,
    ...(authority.uri === '' ? {} : { uri: authority.uri }),
    certChain: { certificates: authority.chain.map(({ raw }) => ({ rawBytes: encodeBase64(raw) })) },
    validFor: windowJson(authority.validFor),
    ...(authority.operator === undefined ? {} : { operator: authority.operator }),
  };
}

/** Damage inside a key or certificate makes the root unusable: named by its place, with the damage as the cause. */
function asRootError<Value>(fields: JsonFields, parse: (fields: JsonFields) => Value): Value {
  try {
    return parse(fields);
  } catch (cause) {
    if (!(cause instanceof FormatError) || cause.code === CODE) throw cause;
    throw new FormatError(CODE, `${fields.path} cannot be used: ${cause.message}`, { ...cause.facts, cause });
  }
}
