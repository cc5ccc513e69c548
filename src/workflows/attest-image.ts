import type { Statement } from '../core/attestation/statement.ts';
import type { Descriptor } from '../core/image/descriptor.ts';
import type { Digest } from '../core/image/digest.ts';
import type { ImageReference, Repository } from '../core/image/reference.ts';
import type { VerifiedBundle } from '../core/verify/verified-bundle.ts';
import { pushBundle } from '../io/registry/bundle-store.ts';
import type { RegistryClient } from '../io/registry/registry-client.ts';
import { attestedStatement, type AttestationContent } from './attested-statement.ts';
import { assembleBundle } from './bundle-assembly.ts';
import { obtainCredentials } from './signing-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';
import { signStatement } from './statement-signature.ts';

export interface AttestImageRequest extends SigningContext {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly reference: ImageReference;
  readonly signer: SignerInput;
  readonly content: AttestationContent;
  /** Where attestations are kept, when not beside the image (`COSIGN_REPOSITORY`). */
  readonly signatureRepository?: Repository;
  /** `--no-upload` makes it false: the registry stays as it is. */
  readonly upload?: boolean;
}

export interface AttestedImage {
  readonly reference: ImageReference;
  /** What the attestation is attached to. */
  readonly digest: Digest;
  /** The reference named a tag, which may mean another image by now. */
  readonly isTagResolved: boolean;
  readonly statement: Statement;
  /** Members of the predicate that its type has no place for, by path: they are not in what was signed. */
  readonly dropped: readonly string[];
  readonly bundleJson: string;
  readonly bundle: VerifiedBundle;
  /** The manifest that carries the attestation; undefined when it was not pushed. */
  readonly referrer: Descriptor | undefined;
}

/**
 * Attests something about an image as cosign 3 does: a signed statement in a bundle that refers to it. Everything that can be
 * wrong with the statement is found before anybody logs in, and nothing is written to the registry before the finished
 * bundle has been verified.
 *
 * @throws NotFoundError TAG_NOT_FOUND or NOT_FOUND; UsageError; FormatError FORMAT_PREDICATE or FORMAT_STATEMENT; LimitError;
 *   VerificationError SUBJECT_MISMATCH or PREDICATE_TYPE_MISMATCH for a statement; AuthError (token or registry); RemoteError;
 *   VerificationError, FormatError for answers of services that are not what they should be
 */
export async function attestImage(request: AttestImageRequest): Promise<AttestedImage> {
  const { registry, reference, content, now } = request;
  const subject = await registry.resolve(reference);
  const { algorithm, hex } = subject.digest;
  const { statement, payload, dropped, artifact } = attestedStatement(
    content,
    { name: reference.context, digests: new Map([[algorithm, hex]]) },
    now(),
  );
  const credentials = await obtainCredentials(request, request.signer);
  const fresh = await signStatement(credentials, payload, artifact);
  const { json, verified } = await assembleBundle(request, credentials, fresh);
  const referrer =
    request.upload === false
      ? undefined
      : await pushBundle(registry, request.signatureRepository ?? reference, subject, json, {
          predicateType: statement.predicateType,
          createdAt: now(),
        });
  return {
    reference,
    digest: subject.digest,
    isTagResolved: reference.digest === undefined,
    statement,
    dropped,
    bundleJson: json,
    bundle: verified,
    referrer,
  };
}
