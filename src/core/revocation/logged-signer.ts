import type { LoggedEntry } from '../bundle/logged-entry.ts';
import type { LoggedVerifier } from '../bundle/entry-body.ts';
import { PublicKey } from '../crypto/public-key.ts';
import { encodeHex } from '../encoding/hex.ts';
import { Certificate } from '../pki/certificate.ts';
import { readFulcioExtensions, type FulcioExtensions } from '../pki/fulcio-extensions.ts';
import type { TrustedRoot } from '../trust/trusted-root.ts';
import { verifyCertificatePath } from '../verify/certificate-path.ts';
import { VerificationError } from '../../errors.ts';
import type { IdentitySelector } from './revocation-selector.ts';

/** Who is looked for, and when. */
export interface SignerQuery {
  readonly signer: IdentitySelector | { readonly kind: 'key'; readonly keyId: string } | { readonly kind: 'anybody' };
  /** The first moment that counts; no end of the past when absent. */
  readonly after?: Date;
  /** The first moment that does not count any more. */
  readonly before?: Date;
}

/** Somebody of whom a log holds a signature. That it verifies is for whoever has what was signed. */
export interface LoggedSigner {
  /** Lower-case hexadecimal SHA-256 of the key. */
  readonly keyId: string;
  readonly certificate?: {
    readonly issuer: string;
    readonly subjects: readonly string[];
    readonly extensions: FulcioExtensions;
    readonly notBefore: Date;
    readonly notAfter: Date;
    /** Whether an authority of the trusted root has issued it: anybody may log a signature by a certificate of his own. */
    readonly isTrusted: boolean;
  };
}

/**
 * The signers of an entry that the query is about. A certificate's validity is what the log tells of the time of signing: an entry
 * counts unless it lies outside the window altogether. A key without a certificate has no time at all, and counts whenever.
 *
 * @throws FormatError for a certificate or key that does not parse
 */
export function queriedSigners(
  { verifiers }: LoggedEntry,
  query: SignerQuery,
  trust: TrustedRoot,
): readonly LoggedSigner[] {
  return verifiers.map((verifier) => readSigner(verifier, query, trust)).filter((signer) => signer !== undefined);
}

function readSigner(verifier: LoggedVerifier, query: SignerQuery, trust: TrustedRoot): LoggedSigner | undefined {
  const { signer } = query;
  if (verifier.kind === 'publicKey') {
    const keyId = encodeHex(PublicKey.fromSpki(verifier.der).id);
    return signer.kind === 'anybody' || (signer.kind === 'key' && signer.keyId === keyId) ? { keyId } : undefined;
  }
  const certificate = Certificate.parse(verifier.der);
  const keyId = encodeHex(certificate.publicKey.id);
  if (query.before !== undefined && certificate.notBefore >= query.before) return undefined;
  if (query.after !== undefined && certificate.notAfter < query.after) return undefined;
  if (signer.kind === 'key' && signer.keyId !== keyId) return undefined;
  const extensions = readFulcioExtensions(certificate);
  const subjects = certificate.subjectAltNames.map(({ value }) => value);
  if (signer.kind === 'identity') {
    const fits =
      extensions.issuer === signer.issuer &&
      subjects.some((subject) => signer.subject.matches(subject)) &&
      [...signer.claims].every(([name, value]) => extensions[name] === value);
    if (!fits) return undefined;
  }
  const { notBefore, notAfter } = certificate;
  const isTrusted = isIssuedBy(certificate, trust);
  return {
    keyId,
    certificate: { issuer: extensions.issuer ?? '', subjects, extensions, notBefore, notAfter, isTrusted },
  };
}

function isIssuedBy(certificate: Certificate, { certificateAuthorities }: TrustedRoot): boolean {
  const at = { time: certificate.notBefore, source: 'clock', authority: '' } as const;
  try {
    verifyCertificatePath(certificate, [], certificateAuthorities, [at]);
    return true;
  } catch (error) {
    if (error instanceof VerificationError) return false;
    throw error;
  }
}
