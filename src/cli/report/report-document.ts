import type { FulcioExtensions } from '../../core/pki/fulcio-extensions.ts';
import type { SealwrightError } from '../../errors.ts';
import {
  reportOutcome,
  type ReportedSignature,
  type ReportedSigner,
  type VerificationReport,
} from '../../workflows/verify/verification-report.ts';

/** Names the schema (docs/schemas/verify-report.v1.schema.json): what a later version may add, a reader of this one may skip. */
export const REPORT_SCHEMA = 'urn:sealwright:verify-report:v1';

export type Outcome = 'verified' | 'refused' | 'could-not-check';

/** A whole run as data, and what every format is made from. Times are RFC 3339; the member names are the schema's. */
export interface ReportDocument {
  readonly schema: typeof REPORT_SCHEMA;
  readonly program: { readonly name: 'sealwright'; readonly version: string };
  readonly verifiedAt: string;
  readonly trust: { readonly source: string };
  /** Who must have signed, in words. */
  readonly demand: {
    readonly signers: readonly string[];
    readonly require: string;
    /** A URI: the type of attestation that there has to be. Absent where signatures are asked for. */
    readonly predicateType?: string;
  };
  readonly warnings: readonly string[];
  readonly outcome: Outcome;
  readonly subjects: readonly SubjectDocument[];
}

export interface SubjectDocument {
  readonly kind: 'image' | 'blob';
  readonly name: string;
  readonly digest?: string;
  readonly tagResolved?: boolean;
  readonly outcome: Outcome;
  readonly error?: ErrorDocument;
  readonly missingSigners?: readonly string[];
  readonly signatures: readonly SignatureDocument[];
  readonly policies: readonly { readonly name: string; readonly outcome: string; readonly reason: string }[];
  readonly otherPredicateTypes: readonly string[];
  readonly unreadFormats: readonly string[];
}

export interface SignatureDocument {
  readonly counts: boolean;
  readonly location: string;
  readonly format?: string;
  readonly predicateType?: string;
  readonly signedAs?: string;
  readonly signer?: SignerDocument;
  readonly meets?: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly checks: readonly CheckDocument[];
  readonly logEntries: readonly {
    readonly log: string;
    readonly index: string;
    readonly kind: string;
    readonly integratedTime?: string;
  }[];
  readonly times: readonly { readonly time: string; readonly source: string; readonly authority: string }[];
  readonly error?: ErrorDocument;
}

export type SignerDocument =
  | {
      readonly kind: 'certificate';
      readonly proven: boolean;
      readonly subjectAltNames: readonly string[];
      readonly issuer: string;
      readonly extensions: FulcioExtensions;
      readonly certificateAuthority: string;
      readonly notBefore: string;
      readonly notAfter: string;
    }
  | { readonly kind: 'key'; readonly proven: boolean; readonly keyId: string };

export interface CheckDocument {
  readonly check: string;
  /** `waived`: the caller did not demand it, or gave way. */
  readonly status: 'passed' | 'waived';
  readonly evidence: string;
}

/** The error contract of `errors.ts`. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly found?: string;
  readonly expected?: string;
  readonly closest?: string;
  readonly fix?: string;
}

/** What a report says beside its subjects. */
export interface ReportRun {
  readonly programVersion: string;
  readonly verifiedAt: Date;
  readonly trustSource: string;
  readonly signers: readonly string[];
  readonly require: string;
  readonly predicateType?: string;
  readonly warnings: readonly string[];
}

export function reportDocument(run: ReportRun, reports: readonly VerificationReport[]): ReportDocument {
  const subjects = reports.map(subjectDocument);
  return {
    schema: REPORT_SCHEMA,
    program: { name: 'sealwright', version: run.programVersion },
    verifiedAt: run.verifiedAt.toISOString(),
    trust: { source: run.trustSource },
    demand: {
      signers: run.signers,
      require: run.require,
      ...(run.predicateType === undefined ? {} : { predicateType: run.predicateType }),
    },
    warnings: run.warnings,
    outcome: worst(subjects),
    subjects,
  };
}

/** The documents of a run, one for each subject: a line each in JSONL. */
export function documentsBySubject(document: ReportDocument): readonly ReportDocument[] {
  return document.subjects.map((subject) => ({ ...document, outcome: subject.outcome, subjects: [subject] }));
}

export function errorDocument({ code, message, facts }: SealwrightError): ErrorDocument {
  const { found, expected, closest, fix } = facts;
  return {
    code,
    message,
    ...(found === undefined ? {} : { found }),
    ...(expected === undefined ? {} : { expected }),
    ...(closest === undefined ? {} : { closest }),
    ...(fix === undefined ? {} : { fix }),
  };
}

function worst(subjects: readonly SubjectDocument[]): Outcome {
  const outcomes = subjects.map(({ outcome }) => outcome);
  return (
    outcomes.find((outcome) => outcome === 'refused') ??
    outcomes.find((outcome) => outcome !== 'verified') ??
    'verified'
  );
}

function subjectDocument(report: VerificationReport): SubjectDocument {
  const { kind, name, digest, isTagResolved } = report.subject;
  return {
    kind,
    name,
    ...(digest === undefined ? {} : { digest }),
    ...(isTagResolved === undefined ? {} : { tagResolved: isTagResolved }),
    outcome: reportOutcome(report),
    ...(report.error === undefined ? {} : { error: errorDocument(report.error) }),
    ...(report.missingSigners === undefined ? {} : { missingSigners: report.missingSigners }),
    signatures: report.signatures.map(signatureDocument),
    policies: report.policies,
    otherPredicateTypes: report.otherPredicateTypes,
    unreadFormats: report.unreadFormats,
  };
}

function signatureDocument(signature: ReportedSignature): SignatureDocument {
  const { location, format, predicateType, signedAs, signer, annotations, error } = signature;
  return {
    counts: error === undefined,
    location,
    ...(format === undefined ? {} : { format }),
    ...(predicateType === undefined ? {} : { predicateType }),
    ...(signedAs === undefined ? {} : { signedAs }),
    ...(signer === undefined ? {} : { signer: signerDocument(signer) }),
    ...(signature.meets === undefined ? {} : { meets: signature.meets }),
    annotations,
    checks: signature.checks.map(({ name, evidence, isWeakened }) => ({
      check: name,
      status: isWeakened === true ? 'waived' : 'passed',
      evidence,
    })),
    logEntries: signature.logEntries.map(({ origin, logIndex, kindVersion, integratedTime }) => ({
      log: origin,
      index: logIndex.toString(),
      kind: kindVersion,
      ...(integratedTime === undefined ? {} : { integratedTime: integratedTime.toISOString() }),
    })),
    times: signature.times.map(({ time, source, authority }) => ({ time: time.toISOString(), source, authority })),
    ...(error === undefined ? {} : { error: errorDocument(error) }),
  };
}

function signerDocument(signer: ReportedSigner): SignerDocument {
  if (signer.kind === 'key') return { kind: 'key', proven: signer.isProven, keyId: signer.keyId };
  const { subjectAltNames, issuer, extensions, authority, notBefore, notAfter } = signer;
  return {
    kind: 'certificate',
    proven: signer.isProven,
    subjectAltNames,
    issuer,
    extensions,
    certificateAuthority: authority,
    // A certificate may bear a time that no calendar has.
    notBefore: timeText(notBefore),
    notAfter: timeText(notAfter),
  };
}

function timeText(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'invalid' : time.toISOString();
}
