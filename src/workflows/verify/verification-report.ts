import type { UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { parseStatement } from '../../core/attestation/statement.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { readFulcioExtensions, type FulcioExtensions } from '../../core/pki/fulcio-extensions.ts';
import { nameText } from '../../core/pki/name.ts';
import type { VerifiedTime } from '../../core/verify/trusted-times.ts';
import type { VerificationCheck, VerifiedBundle, VerifiedLogEntry } from '../../core/verify/verified-bundle.ts';
import { FormatError, LimitError, type SealwrightError } from '../../errors.ts';

/** What was looked at. */
export interface ReportSubject {
  readonly kind: 'image' | 'blob';
  /** As the user named it. */
  readonly name: string;
  /** `algorithm:hex`; undefined when it could not be found out. */
  readonly digest?: string;
  /** The name was a tag, which may mean another image by now. */
  readonly isTagResolved?: boolean;
}

/** Who a signature is by, or says that it is by. */
export type ReportedSigner =
  | {
      readonly kind: 'certificate';
      /** False: the certificate claims it, and nobody has verified that. */
      readonly isProven: boolean;
      readonly subjectAltNames: readonly string[];
      /** Identity provider; empty when the certificate names none. */
      readonly issuer: string;
      readonly extensions: FulcioExtensions;
      /** Distinguished name of the authority that issued it. */
      readonly authority: string;
      readonly notBefore: Date;
      readonly notAfter: Date;
    }
  /** Hexadecimal SHA-256 of the SubjectPublicKeyInfo when proven; the bundle's own hint otherwise. */
  | { readonly kind: 'key'; readonly isProven: boolean; readonly keyId: string };

/** One signature that was found, whether it counts or not. */
export interface ReportedSignature {
  /** Where it lies: a manifest's digest, or a file. */
  readonly location: string;
  /** In words, such as "Sigstore bundle 0.3". Undefined when it could not be read. */
  readonly format?: string;
  readonly predicateType?: string;
  /** What its signer called the image, in the formats that say so; compared with nothing. */
  readonly signedAs?: string;
  readonly signer?: ReportedSigner;
  readonly annotations: Readonly<Record<string, string>>;
  /** The steps that it passed. */
  readonly checks: readonly VerificationCheck[];
  readonly logEntries: readonly VerifiedLogEntry[];
  readonly times: readonly VerifiedTime[];
  /** Those of several demanded signers whom it is by, in words. */
  readonly meets?: readonly string[];
  /** Why it does not count; undefined when it does. */
  readonly error?: SealwrightError;
}

/** What a policy document said. */
export interface ReportedPolicy {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'could-not-check';
  /** Whose signature satisfied it, or why none did. */
  readonly reason: string;
}

/** Everything that verifying one thing found out. */
export interface VerificationReport {
  readonly subject: ReportSubject;
  readonly signatures: readonly ReportedSignature[];
  /** Predicate types of what else refers to it, and is no signature. */
  readonly otherPredicateTypes: readonly string[];
  /** Signatures in formats that are not read, in words. */
  readonly unreadFormats: readonly string[];
  readonly policies: readonly ReportedPolicy[];
  /** Those of several demanded signers who did not sign, in words. */
  readonly missingSigners?: readonly string[];
  /** Why it is not verified; undefined when it is. */
  readonly error?: SealwrightError;
}

/** Verified, refused, or nobody knows: an answer that could not be had is no finding. */
export function reportOutcome({ error }: VerificationReport): 'verified' | 'refused' | 'could-not-check' {
  if (error === undefined) return 'verified';
  return error.family === 'remote' || error.family === 'auth' || error.family === 'limit'
    ? 'could-not-check'
    : 'refused';
}

/** @param bundle a signature that counts */
export function reportedSignature(
  location: string,
  format: string,
  bundle: VerifiedBundle,
  annotations: Readonly<Record<string, string>> = {},
): ReportedSignature {
  const { signer, statement, content, checks, logEntries, times } = bundle;
  return {
    location,
    format,
    ...(statement === undefined ? {} : { predicateType: statement.predicateType }),
    ...(content.kind === 'simpleSigning' ? { signedAs: content.payload.dockerReference } : {}),
    signer:
      signer.kind === 'key'
        ? { kind: 'key', isProven: true, keyId: signer.keyId }
        : certificateSigner(signer.certificate, signer.extensions, true),
    annotations,
    checks,
    logEntries,
    times,
  };
}

/** A signature that does not count, with what it claims. */
export function refusedSignature(
  location: string,
  format: string,
  bundle: UnverifiedBundle,
  passed: readonly VerificationCheck[],
  error: SealwrightError,
): ReportedSignature {
  const predicateType = claimedPredicateType(bundle);
  return {
    location,
    format,
    ...(predicateType === undefined ? {} : { predicateType }),
    signer: claimedSigner(bundle),
    annotations: {},
    checks: passed,
    logEntries: [],
    times: [],
    error,
  };
}

/** What claims to be a signature and cannot be read. */
export function unreadableSignature(location: string, error: SealwrightError): ReportedSignature {
  return { location, annotations: {}, checks: [], logEntries: [], times: [], error };
}

function claimedSigner({ material }: UnverifiedBundle): ReportedSigner {
  if (material.kind === 'publicKey') return { kind: 'key', isProven: false, keyId: material.hint };
  const { certificate } = material;
  return certificateSigner(certificate, legible(() => readFulcioExtensions(certificate)) ?? {}, false);
}

function certificateSigner(certificate: Certificate, extensions: FulcioExtensions, isProven: boolean): ReportedSigner {
  return {
    kind: 'certificate',
    isProven,
    subjectAltNames: certificate.subjectAltNames.map(({ value }) => value),
    issuer: extensions.issuer ?? '',
    extensions,
    authority: nameText(certificate.issuer),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  };
}

function claimedPredicateType({ content }: UnverifiedBundle): string | undefined {
  if (content.kind !== 'dsse') return undefined;
  return legible(() => parseStatement(content.envelope.payload).predicateType);
}

/** What the refusal already complains about need not be complained about again. */
function legible<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError || error instanceof LimitError) return undefined;
    throw error;
  }
}

/** How the format of bundles is called, before their version. */
export const BUNDLE_FORMAT = 'Sigstore bundle';

/** Whether any of the signatures is a bundle, which decides how cosign would have gone about the image. */
export function hasBundle({ signatures }: VerificationReport): boolean {
  return signatures.some(({ format }) => format?.startsWith(BUNDLE_FORMAT) === true);
}
