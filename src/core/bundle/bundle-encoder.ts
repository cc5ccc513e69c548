import { envelopeJson, type Envelope } from '../attestation/dsse.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import type { Certificate } from '../pki/certificate.ts';
import { BUNDLE_V03 } from './bundle-version.ts';
import { protoHashName, type NamedDigest } from './hash-name.ts';
import { logEntryJson, type TransparencyLogEntry } from './log-entry.ts';

/** What a signer has gathered. Usually only the leaf certificate travels: everything above it is the verifier's own to know. */
export interface BundleParts {
  readonly material:
    | {
        readonly kind: 'certificate';
        readonly certificate: Pick<Certificate, 'raw'>;
        /** Written as a chain, as cosign does and version 0.3 does not provide for; the leaf alone when absent. */
        readonly intermediates?: readonly Pick<Certificate, 'raw'>[];
      }
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
      ...materialJson(parts.material),
      tlogEntries: parts.tlogEntries.map(logEntryJson),
      timestampVerificationData: {
        rfc3161Timestamps: parts.timestamps.map((response) => ({ signedTimestamp: encodeBase64(response) })),
      },
    },
    ...contentJson(parts.content),
  });
}

function materialJson(material: BundleParts['material']): object {
  if (material.kind === 'publicKey') return { publicKey: { hint: material.hint } };
  const json = ({ raw }: Pick<Certificate, 'raw'>): object => ({ rawBytes: encodeBase64(raw) });
  const { certificate, intermediates } = material;
  if (intermediates === undefined) return { certificate: json(certificate) };
  return { x509CertificateChain: { certificates: [certificate, ...intermediates].map(json) } };
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
