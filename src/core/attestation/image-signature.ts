import type { Digest } from '../image/digest.ts';
import { STATEMENT_V1, type Statement } from './statement.ts';

/** Predicate type of the statement that is an image's signature, as cosign 3 writes it. */
export const IMAGE_SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

/**
 * What cosign 3 signs for an image (cosign.md §3.3): the digest alone, without a name. Annotations belong to the subject,
 * where verifiers look for them; the predicate is empty.
 */
export function imageSignatureStatement(digest: Digest, annotations: Readonly<Record<string, string>> = {}): Statement {
  return {
    type: STATEMENT_V1,
    subjects: [
      {
        digests: new Map([[digest.algorithm, digest.hex]]),
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      },
    ],
    predicateType: IMAGE_SIGNATURE_PREDICATE,
    predicate: {},
  };
}
