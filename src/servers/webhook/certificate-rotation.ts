import { PrivateKey } from '../../core/crypto/private-key.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { encodePem } from '../../core/encoding/pem.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { encodeGeneralName, type SubjectAltName } from '../../core/pki/general-name.ts';
import { issueServerAuthority, issueServerCertificate } from '../../core/pki/server-certificate.ts';

/** A certificate to serve with and its key, PEM. */
export interface ServingPair {
  readonly certificate: string;
  readonly key: string;
}

/** What all replicas share. */
export interface CertificateState {
  /** Authorities that the API server is told to believe, the newest last. */
  readonly authorities: readonly Certificate[];
  readonly serving: ServingPair;
  /** Made, told to the API server, and not served with yet. */
  readonly next?: ServingPair & { readonly since: Date };
}

export interface RotationRules {
  readonly lifetimeMs: number;
  /** A successor is made when the certificate has this long to go. */
  readonly renewMs: number;
  /** How long a successor waits after it was told: every API server learns of a configuration by itself, some time later. */
  readonly settleMs: number;
}

const DAY_MS = 86_400_000;
/** Half of a certificate's life passes before anybody has to act, and a third is left when the successor is made. */
export const ROTATION_RULES: RotationRules = { lifetimeMs: 90 * DAY_MS, renewMs: 30 * DAY_MS, settleMs: 10 * 60_000 };
/** The API server's clock may be behind. */
const BACKDATE_MS = 3_600_000;
/** More cannot be of use, and `caBundle` is sent with every configuration. */
const MAX_AUTHORITIES = 4;

export interface RotationStep {
  readonly names: readonly SubjectAltName[];
  readonly now: Date;
  /** Whether every configuration carries all authorities of the state. */
  readonly isAnnounced: boolean;
  readonly rules?: RotationRules;
}

/**
 * The state after the one given; the same object when there is nothing to do. Nothing is ever served that the API server was not
 * told of before, and what it was told stays until it is no longer valid: at each moment both the certificate before and the one
 * after are believed (Kubernetes, "Dynamic Admission Control": `caBundle` may hold several).
 *
 * Authorities sign one certificate and are forgotten, so that there is no key which could make another.
 */
export function rotate(state: CertificateState | undefined, step: RotationStep): CertificateState {
  const { names, now, isAnnounced, rules = ROTATION_RULES } = step;
  if (state === undefined) return fresh([], step);
  const authorities = state.authorities.filter((authority) => authority.isValidAt(now));
  const { serving, next } = state;
  if (next !== undefined && fits(next, authorities, names, now)) {
    const isSettled = isAnnounced && now.getTime() - next.since.getTime() >= rules.settleMs;
    if (isSettled) return { authorities, serving: { certificate: next.certificate, key: next.key } };
  } else if (next !== undefined) {
    return { authorities, serving };
  }
  // Nothing that could be served: to be told late is better than not to be there.
  if (!fits(serving, authorities, names, now)) return fresh(authorities, step);
  const isDue = !isValidAt(serving, new Date(now.getTime() + rules.renewMs));
  if (isDue && next === undefined) {
    const { authority, pair } = issue(names, now, rules.lifetimeMs);
    return { authorities: withAuthority(authorities, authority), serving, next: { ...pair, since: now } };
  }
  return authorities.length === state.authorities.length ? state : { ...state, authorities };
}

/** PEM of all authorities: what `caBundle` holds, base64 encoded. */
export function authorityBundle({ authorities }: CertificateState): string {
  return authorities.map((authority) => authority.toPem()).join('');
}

function fresh(
  authorities: readonly Certificate[],
  { names, now, rules = ROTATION_RULES }: RotationStep,
): CertificateState {
  const { authority, pair } = issue(names, now, rules.lifetimeMs);
  return { authorities: withAuthority(authorities, authority), serving: pair };
}

function withAuthority(authorities: readonly Certificate[], authority: Certificate): readonly Certificate[] {
  return [...authorities, authority].slice(-MAX_AUTHORITIES);
}

function issue(
  names: readonly SubjectAltName[],
  now: Date,
  lifetimeMs: number,
): { readonly authority: Certificate; readonly pair: ServingPair } {
  // Certificates count in whole seconds.
  const start = Math.floor((now.getTime() - BACKDATE_MS) / 1000) * 1000;
  const validity = { notBefore: new Date(start), notAfter: new Date(start + lifetimeMs) };
  const authorityKey = PrivateKey.generate('ecdsa-p256');
  const authority = issueServerAuthority(authorityKey, {
    commonName: 'sealwright webhook',
    random: randomBytes(20),
    ...validity,
  });
  const key = PrivateKey.generate('ecdsa-p256');
  const leaf = issueServerCertificate(
    { publicKey: key.publicKey, names, random: randomBytes(20), ...validity },
    { key: authorityKey, certificate: authority },
  );
  return { authority, pair: { certificate: leaf.toPem(), key: encodePem('PRIVATE KEY', key.toPkcs8()) } };
}

function fits(
  { certificate, key }: ServingPair,
  authorities: readonly Certificate[],
  names: readonly SubjectAltName[],
  now: Date,
): boolean {
  const leaf = Certificate.fromPem(certificate);
  // Compared encoded, as an IPv6 address can be written in several ways.
  const text = (name: SubjectAltName): string => encodeHex(encodeGeneralName(name));
  const known = new Set(leaf.subjectAltNames.map(text));
  return (
    leaf.isValidAt(now) &&
    names.every((name) => known.has(text(name))) &&
    authorities.some((authority) => leaf.isSignedBy(authority)) &&
    PrivateKey.fromPem(key).publicKey.equals(leaf.publicKey)
  );
}

function isValidAt({ certificate }: ServingPair, time: Date): boolean {
  return Certificate.fromPem(certificate).isValidAt(time);
}
