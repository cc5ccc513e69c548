import { envelopeJson, type Envelope } from '../attestation/dsse.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import type { Certificate } from '../pki/certificate.ts';
import { BUNDLE_V03 } from './bundle-version.ts';
import { protoHashName, type NamedDigest } from './hash-name.ts';
import { logEntryJson, type TransparencyLogEntry } from './log-entry.ts';

/** What a signer has gathered. Only the leaf certificate travels: everything above it is the verifier's own to know. */
export interface BundleParts {
  readonly material:
    | { readonly kind: 'certificate'; readonly certificate: Pick<Certificate, 'raw'> }
    | { readonly kind: 'publicKey'; readonly hint: string };
  readonly tlogEntries: readonly TransparencyLogEntry[];
  /** DER TimeStampResp (RFC 3161). */
  readonly timestamps: readonly Uint8Array[];
  readonly content:
    | { readonly kind: 'message'; readonly digest: NamedDigest; readonly signature: Uint8Array }
    | { readonly kind: 'dsse'; readonly envelope: Envelope };
}

/** A bundle v0.3 as compact JSON. */
export function encodeBundle(parts: BundleParts): string {
  return JSON.stringify({
    mediaType: BUNDLE_V03,
    verificationMaterial: {
      ...(parts.material.kind === 'certificate'
        ? { certificate: { rawBytes: encodeBase64(parts.material.certificate.raw) } }
        : { publicKey: { hint: parts.material.hint } }),
      tlogEntries: parts.tlogEntries.map(logEntryJson),
      timestampVerificationData: {
        rfc3161Timestamps: parts.timestamps.map((response) => ({ signedTimestamp: encodeBase64(response) })),
      },
    },
    ...contentJson(parts.content),
  });
}

function contentJson(content: BundleParts['content']): object {
  if (content.kind === 'dsse') return { dsseEnvelope: envelopeJson(content.envelope) };
  return {
    messageSignature: {
      messageDigest: {
        algorithm: protoHashName(content.digest.algorithm),
        digest: encodeBase64(content.digest.digest),
      },
      signature: encodeBase64(content.signature),
    },
  };
}
