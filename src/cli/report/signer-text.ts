import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import type { SignatureDocument, SubjectDocument } from './report-document.ts';

/** Who a signature is by, in one phrase; what is only claimed is called that. */
export function signerPhrase({ signer }: SignatureDocument): string {
  if (signer === undefined) return 'nobody that could be read';
  const name = signer.kind === 'key' ? keyPhrase(signer) : signer.subjectAltNames.join(', ') || '(no name)';
  return signer.proven ? name : `${name} (claimed)`;
}

/** The type of an attestation; undefined for a signature. */
export function attestedType({ predicateType }: SignatureDocument): string | undefined {
  return predicateType === IMAGE_SIGNATURE_PREDICATE ? undefined : predicateType;
}

/** Who signed a subject or attested something about it; empty when nothing counts. */
export function signersPhrase(subject: SubjectDocument): string {
  const byDeed = new Map<string, string[]>();
  for (const signature of counting(subject)) {
    const deed = attestedType(signature) ?? 'signed';
    byDeed.set(deed, [...(byDeed.get(deed) ?? []), signerPhrase(signature)]);
  }
  return [...byDeed].map(([deed, names]) => `${deed} by ${names.join(', ')}`).join('; ');
}

function keyPhrase({ keyId, proven }: { readonly keyId: string; readonly proven: boolean }): string {
  return proven ? `key ${keyId}` : `a key${keyId === '' ? '' : ` with the hint ${keyId}`}`;
}

/** The signatures that made a subject verified; none when it is not. */
export function counting({ signatures }: SubjectDocument): readonly SignatureDocument[] {
  return signatures.filter(({ counts }) => counts);
}

/** What a subject is called where one name has to do: with the digest that was verified. */
export function subjectName({ kind, name, digest }: SubjectDocument): string {
  if (kind === 'blob' || digest === undefined || name.endsWith(digest)) return name;
  return `${name} (${digest})`;
}

/** Verdict as one word for columns. */
export const VERDICTS = { verified: 'verified', refused: 'REFUSED', 'could-not-check': 'UNKNOWN' } as const;

/** Code and message of an error, or nothing. */
export function errorPhrase(error: SignatureDocument['error']): string {
  return error === undefined ? '' : `${error.code} ${error.message}`;
}
