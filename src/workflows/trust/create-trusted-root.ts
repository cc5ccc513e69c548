import { PublicKey } from '../../core/crypto/public-key.ts';
import { parsePem } from '../../core/encoding/pem.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { createLogInstance, type LogInstance } from '../../core/trust/log-instance.ts';
import { parseServiceSpec, serviceUrl, specTime, specWindow } from '../../core/trust/service-spec.ts';
import { TRUSTED_ROOT_V01, type CertificateAuthority, type TrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';

/** What `trusted-root create` was given for one kind of instance: specs, or the flags of older versions. */
export interface AuthorityFlags {
  /** `url=…,certificate-chain=FILE[,start-time=][,end-time=]`. */
  readonly specs: readonly string[];
  /** Of older versions, side by side: the n-th URL is for the n-th chain. */
  readonly chains: readonly string[];
  readonly urls: readonly string[];
}

export interface LogFlags {
  /** `url=…,public-key=FILE,start-time=…[,end-time=][,origin=]`. */
  readonly specs: readonly string[];
  /** `FILE` or `FILE,ORIGIN`, with what follows side by side. */
  readonly keys: readonly string[];
  readonly urls: readonly string[];
  readonly startTimes: readonly string[];
  readonly endTimes: readonly string[];
}

export interface TrustedRootRequest {
  readonly fulcio: AuthorityFlags;
  readonly tsa: AuthorityFlags;
  readonly ctfe: LogFlags;
  readonly rekor: LogFlags;
  /** What is there already; of a kind that is given, it is replaced. */
  readonly defaults: Pick<TrustedRoot, 'tlogs' | 'ctlogs' | 'certificateAuthorities' | 'timestampAuthorities'>;
  /** Keeps the defaults beside what is given, as cosign does although its help promises otherwise. */
  readonly append: boolean;
  readonly readText: (path: string) => string;
}

/**
 * A trusted root out of URLs, chains and keys. Both orders of PEM chains are cosign's: the issuing authority first, the root last.
 *
 * @throws UsageError USAGE_BAD_FLAG, and what reading throws; FormatError for keys and certificates
 */
export function createTrustedRoot(request: TrustedRootRequest): TrustedRoot {
  const { defaults, append, fulcio, tsa, ctfe, rekor, readText } = request;
  const chosen = <Value>(given: readonly Value[], before: readonly Value[]): readonly Value[] =>
    append || given.length === 0 ? [...before, ...given] : given;
  return {
    mediaType: TRUSTED_ROOT_V01,
    tlogs: chosen(logs('rekor', rekor, readText), defaults.tlogs),
    certificateAuthorities: chosen(authorities('fulcio', fulcio, readText), defaults.certificateAuthorities).map(named),
    ctlogs: chosen(logs('ctfe', ctfe, readText), defaults.ctlogs),
    timestampAuthorities: chosen(authorities('tsa', tsa, readText), defaults.timestampAuthorities).map(named),
  };
}

function authorities(
  flag: 'fulcio' | 'tsa',
  { specs, chains, urls }: AuthorityFlags,
  readText: (path: string) => string,
): readonly CertificateAuthority[] {
  checkOneWay(flag, specs, [...chains, ...urls]);
  const given = specs.map((text) => {
    const keys = { required: ['url', 'certificate-chain'], optional: ['start-time', 'end-time'] };
    const spec = parseServiceSpec(flag, text, keys);
    const chain = readChain(spec.get('certificate-chain') ?? '', readText);
    // The time from which an authority is believed, unless it is said: its root's for a CA, its leaf's for a TSA (cosign.md §1.6).
    const first = flag === 'fulcio' ? chain.at(-1) : chain[0];
    const validFor = specWindow(flag, spec, first?.notBefore ?? new Date(0));
    return authority(flag, serviceUrl(flag, spec.get('url') ?? ''), chain, validFor);
  });
  const older = chains.map((path, index) => {
    const chain = readChain(path, readText);
    const validFor = { start: chain.at(-1)?.notBefore ?? new Date(0) };
    return authority(flag, urls[index] ?? '', chain, validFor);
  });
  return [...given, ...older];
}

function authority(
  flag: 'fulcio' | 'tsa',
  uri: string,
  chain: readonly Certificate[],
  validFor: CertificateAuthority['validFor'],
): CertificateAuthority {
  const [first] = chain;
  if (flag === 'tsa' && (chain.length < 2 || first?.isCa === true)) {
    throw new UsageError('USAGE_BAD_FLAG', '--tsa needs the chain of the certificate that signs timestamps', {
      found: `${chain.length} certificate${chain.length === 1 ? '' : 's'}, the first ${first?.isCa === true ? "an authority's" : 'a leaf'}`,
      expected: 'the leaf first, the root last',
    });
  }
  return { subject: {}, uri, chain, validFor };
}

/** An authority goes by its root's name, whatever a document called it before: that is what the others write as well. */
function named(authority: CertificateAuthority): CertificateAuthority {
  const root = authority.chain.at(-1)?.subject;
  const [organization, commonName] = [root?.organization, root?.commonName];
  return {
    ...authority,
    subject: {
      ...(organization === undefined ? {} : { organization }),
      ...(commonName === undefined ? {} : { commonName }),
    },
  };
}

function logs(
  flag: 'ctfe' | 'rekor',
  { specs, keys, urls, startTimes, endTimes }: LogFlags,
  readText: (path: string) => string,
): readonly LogInstance[] {
  checkOneWay(flag, specs, [...keys, ...urls, ...startTimes, ...endTimes]);
  const given = specs.map((text) => {
    const names = { required: ['url', 'public-key', 'start-time'], optional: ['end-time', 'origin'] };
    const spec = parseServiceSpec(flag, text, names);
    const origin = spec.get('origin');
    return createLogInstance({
      api: 'ct',
      baseUrl: serviceUrl(flag, spec.get('url') ?? ''),
      publicKey: PublicKey.fromPem(readText(spec.get('public-key') ?? '')),
      validFor: specWindow(flag, spec, new Date(0)),
      ...(origin === undefined ? {} : { checkpointOrigin: origin }),
    });
  });
  const older = keys.map((text, index) => {
    const comma = flag === 'rekor' ? text.indexOf(',') : -1;
    const origin = comma < 0 ? '' : text.slice(comma + 1);
    const [start, end] = [startTimes[index], endTimes[index]];
    return createLogInstance({
      api: 'ct',
      baseUrl: urls[index] ?? '',
      publicKey: PublicKey.fromPem(readText(comma < 0 ? text : text.slice(0, comma))),
      validFor: {
        start: start === undefined ? new Date(0) : specTime(`${flag}-start-time`, start),
        ...(end === undefined ? {} : { end: specTime(`${flag}-end-time`, end) }),
      },
      ...(origin === '' ? {} : { checkpointOrigin: origin }),
    });
  });
  return [...given, ...older];
}

function checkOneWay(flag: string, specs: readonly string[], older: readonly string[]): void {
  if (specs.length === 0 || older.length === 0) return;
  throw new UsageError('USAGE_BAD_FLAG', `--${flag} and the older flags for the same thing exclude each other`, {
    expected: `--${flag} alone`,
  });
}

function readChain(path: string, readText: (path: string) => string): readonly Certificate[] {
  const blocks = parsePem(readText(path), `the chain ${path}`);
  const other = blocks.find(({ label }) => label !== 'CERTIFICATE');
  if (other === undefined) return blocks.map(({ der }) => Certificate.parse(der));
  throw new UsageError('USAGE_BAD_FLAG', `${path} is no chain of certificates`, {
    found: `a PEM block labelled ${other.label}`,
    expected: 'PEM certificates only',
  });
}
