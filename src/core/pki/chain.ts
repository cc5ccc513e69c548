import { equalBytes } from '../encoding/bytes.ts';
import { RecentMap } from '../encoding/recent-map.ts';
import { VerificationError } from '../../errors.ts';
import type { Certificate } from './certificate.ts';
import { nameText } from './name.ts';
import { OID } from './oids.ts';

export type ChainPurpose = 'codeSigning' | 'timeStamping';

export interface ChainInput {
  readonly leaf: Certificate;
  /** Untrusted or trusted certificates that may stand between leaf and anchor. */
  readonly intermediates: readonly Certificate[];
  /** Believed without proof; the path ends at the first of them that fits. */
  readonly anchors: readonly Certificate[];
  /** The time at which every certificate of the path must be valid. */
  readonly at: Date;
  readonly purpose: ChainPurpose;
}

/** Leaf, intermediates, anchor. */
export type CertificateChain = readonly Certificate[];

const MAX_PATH = 8;
/** Hostile intermediates could otherwise make us try every order of them. */
const MAX_SIGNATURE_CHECKS = 64;

/** Critical extensions this room or the verifier acts on; any other critical one refuses the certificate (RFC 5280 §4.2). */
const HANDLED: readonly string[] = [OID.keyUsage, OID.extendedKeyUsage, OID.basicConstraints, OID.subjectAltName];

/**
 * A valid path from the leaf to an anchor: signatures and names, validity at the given time, CA bit, path length,
 * keyCertSign, purposes, no unknown critical extension (RFC 5280 §6.1 without policies and name constraints).
 *
 * @throws VerificationError CERTIFICATE_UNTRUSTED when no path leads to an anchor; CERTIFICATE_TIME or
 *   CERTIFICATE_PROFILE when one does, but breaks a rule; the first such failure is reported
 */
export function verifyChain(input: ChainInput): CertificateChain {
  checkLeaf(input.leaf, input.purpose);
  const search: Search = { input, checks: 0, failure: undefined };
  const path = extend(search, [input.leaf]);
  if (path !== undefined) return path;
  throw search.failure ?? untrusted(input.leaf, input.anchors);
}

interface Search {
  readonly input: ChainInput;
  checks: number;
  failure: VerificationError | undefined;
}

function extend(search: Search, path: CertificateChain): CertificateChain | undefined {
  const last = path[path.length - 1];
  if (last === undefined || path.length >= MAX_PATH) return undefined;
  const { anchors, intermediates } = search.input;
  const issuerOf = (candidate: Certificate): boolean => {
    if (!equalBytes(last.issuer.raw, candidate.subject.raw) || path.some((used) => used.equals(candidate)))
      return false;
    if (search.checks++ >= MAX_SIGNATURE_CHECKS) return false;
    return isSignedByCached(last, candidate);
  };
  for (const anchor of anchors) {
    if (!issuerOf(anchor)) continue;
    const complete = [...path, anchor];
    const failure = pathFailure(complete, search.input);
    if (failure === undefined) return complete;
    search.failure ??= failure;
  }
  for (const candidate of intermediates) {
    if (anchors.some((anchor) => anchor.equals(candidate)) || !issuerOf(candidate)) continue;
    const found = extend(search, [...path, candidate]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkLeaf(leaf: Certificate, purpose: ChainPurpose): void {
  if (leaf.isCa) throw profile(leaf, 'a CA certificate', 'an end-entity certificate');
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.digitalSignature) {
    throw profile(leaf, 'a key usage without digitalSignature', 'digitalSignature');
  }
  if (leaf.extendedKeyUsage?.includes(OID[purpose]) !== true) {
    throw profile(
      leaf,
      `extended key usage ${leaf.extendedKeyUsage?.join(', ') ?? 'absent'}`,
      `${purpose} (${OID[purpose]})`,
    );
  }
  if (purpose === 'timeStamping' && !isTimeStampingAlone(leaf)) {
    throw profile(
      leaf,
      'an extended key usage that is not critical, or has other purposes',
      'timeStamping alone, critical',
    );
  }
}

/** RFC 3161 §2.3: a key that signs time signs nothing else. */
function isTimeStampingAlone(leaf: Certificate): boolean {
  return leaf.extendedKeyUsage?.length === 1 && leaf.extension(OID.extendedKeyUsage)?.critical === true;
}

function pathFailure(path: CertificateChain, { at, purpose }: ChainInput): VerificationError | undefined {
  for (const [index, certificate] of path.entries()) {
    if (!certificate.isValidAt(at)) {
      return new VerificationError(
        'CERTIFICATE_TIME',
        `${describe(certificate)} was not valid at the time of signing`,
        {
          found: at.toISOString(),
          expected: `a time from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`,
          details: {
            notBefore: certificate.notBefore.toISOString(),
            notAfter: certificate.notAfter.toISOString(),
            at: at.toISOString(),
          },
        },
      );
    }
    const stranger = certificate.extensions.find(({ oid, critical }) => critical && !HANDLED.includes(oid));
    if (stranger !== undefined) return profile(certificate, `the critical extension ${stranger.oid}`, 'no unknown one');
    if (index === 0) continue;
    const failure = issuerFailure(certificate, index - 1, purpose);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** @param below intermediates between this issuer and the leaf */
function issuerFailure(issuer: Certificate, below: number, purpose: ChainPurpose): VerificationError | undefined {
  if (!issuer.isCa) return profile(issuer, 'no CA bit in basic constraints', 'a CA certificate');
  if (issuer.pathLength !== undefined && below > issuer.pathLength) {
    return profile(issuer, `${below} intermediates below it`, `a path length of at most ${issuer.pathLength}`);
  }
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.keyCertSign) {
    return profile(issuer, 'a key usage without keyCertSign', 'keyCertSign');
  }
  const purposes = issuer.extendedKeyUsage;
  if (purposes !== undefined && !purposes.includes(OID[purpose]) && !purposes.includes(OID.anyExtendedKeyUsage)) {
    return profile(issuer, `extended key usage ${purposes.join(', ')}`, `${purpose}, any, or none`);
  }
  return undefined;
}

/**
 * Pairs of certificate and issuer whose signature held: certificates are immutable, an issuer signs thousands of leaves,
 * roots never change. Only successes are kept: forgeries cannot push them out.
 */
const SIGNED_BY = new RecentMap<true>(4096);

function isSignedByCached(certificate: Certificate, issuer: Certificate): boolean {
  const pair = `${certificate.fingerprint}${issuer.fingerprint}`;
  if (SIGNED_BY.get(pair) === true) return true;
  if (!certificate.isSignedBy(issuer)) return false;
  SIGNED_BY.set(pair, true);
  return true;
}

function untrusted(leaf: Certificate, anchors: readonly Certificate[]): VerificationError {
  return new VerificationError('CERTIFICATE_UNTRUSTED', 'the certificate does not chain to a trusted authority', {
    found: `issued by ${nameText(leaf.issuer)}`,
    expected:
      anchors.length === 0
        ? 'an authority; none is trusted here'
        : anchors.map(({ subject }) => nameText(subject)).join(', '),
  });
}

function profile(certificate: Certificate, found: string, expected: string): VerificationError {
  return new VerificationError('CERTIFICATE_PROFILE', `${describe(certificate)} breaks the certificate profile`, {
    found,
    expected,
  });
}

function describe(certificate: Certificate): string {
  if (certificate.subject.commonName !== undefined) return `the certificate of ${nameText(certificate.subject)}`;
  const [name] = certificate.subjectAltNames;
  return name === undefined ? 'the certificate' : `the certificate of ${name.value}`;
}
