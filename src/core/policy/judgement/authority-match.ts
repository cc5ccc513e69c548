import { digest } from '../../crypto/digest.ts';
import { concatBytes, utf8 } from '../../encoding/bytes.ts';
import { encodeHex } from '../../encoding/hex.ts';
import type { JsonObject } from '../../encoding/json.ts';
import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import type { AttestationDemand } from '../cluster-image/cluster-image-policy.ts';
import type { VerifiedAttestation } from './image-evidence.ts';

/** A satisfied authority as `spec.policy` sees it (policy-controller pkg/webhook/validation.go, AuthorityMatch). */
export interface AuthorityMatch {
  readonly name: string;
  readonly json: JsonObject;
  /** What satisfied it; empty for a static authority. */
  readonly bundles: readonly VerifiedBundle[];
}

export function signatureMatch(name: string, signatures: readonly VerifiedBundle[]): AuthorityMatch {
  return { name, json: { signatures: signatures.map(signatureFacts) }, bundles: signatures };
}

export function attestationMatch(
  name: string,
  met: readonly { readonly demand: AttestationDemand; readonly by: readonly VerifiedAttestation[] }[],
): AuthorityMatch {
  const entries = met.map(({ demand, by }) => {
    // The type as the policy writes it: a short name stays short.
    const { predicateType } = demand;
    const facts = by.map(({ bundle, layerDigest }) => ({
      ...signatureFacts(bundle),
      predicateType,
      digest: layerDigest,
    }));
    return [demand.name, facts] as const;
  });
  const bundles = [...new Set(met.flatMap(({ by }) => by.map(({ bundle }) => bundle)))];
  return { name, json: { attestations: Object.fromEntries(entries) }, bundles };
}

export function staticMatch(name: string): AuthorityMatch {
  return { name, json: { static: true }, bundles: [] };
}

/** A bundle says the same whenever it is asked, and is asked at every admission of its image. */
const KNOWN_FACTS = new WeakMap<VerifiedBundle, JsonObject>();

function signatureFacts(bundle: VerifiedBundle): JsonObject {
  const facts = KNOWN_FACTS.get(bundle) ?? readFacts(bundle);
  KNOWN_FACTS.set(bundle, facts);
  return facts;
}

/** Members that are empty are left out, as Go leaves them out. */
function readFacts(bundle: VerifiedBundle): JsonObject {
  const { signer } = bundle;
  const extensions = signer.kind === 'certificate' ? signer.extensions : {};
  const facts: Readonly<Record<string, string | undefined>> = {
    id: signatureId(bundle),
    subject: signer.kind === 'certificate' ? signer.subject : undefined,
    issuer: signer.kind === 'certificate' ? signer.issuer : undefined,
    githubWorkflowTrigger: extensions.githubWorkflowTrigger,
    githubWorkflowSha: extensions.githubWorkflowSha,
    githubWorkflowName: extensions.githubWorkflowName,
    githubWorkflowRepo: extensions.githubWorkflowRepository,
    githubWorkflowRef: extensions.githubWorkflowRef,
  };
  const present = Object.entries(facts).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  return Object.fromEntries(present);
}

/** Hexadecimal SHA-256 of the signature's bytes and the certificate in PEM, if there is one. */
function signatureId({ content, signer }: VerifiedBundle): string {
  const signature = content.kind === 'dsse' ? content.envelope.signatures[0]?.signature : content.signature;
  const pem = signer.kind === 'certificate' ? signer.certificate.toPem() : '';
  return encodeHex(digest('sha256', concatBytes(signature ?? new Uint8Array(0), utf8(pem))));
}
