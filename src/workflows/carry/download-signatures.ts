import { LAYER_ANNOTATIONS } from '../../core/bundle/signature-layer.ts';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { fetchImageSignatures, type FoundSignature, type ImageSignaturesRequest } from '../verify/image-signatures.ts';
import { refusalOf } from '../verify/refusal.ts';

export interface DownloadedSignatures {
  /** One JSON document a signature: bundles as they are stored, others with cosign's member names. */
  readonly lines: readonly string[];
  /** What is there and cannot be read, in words. */
  readonly unreadable: readonly string[];
}

/** cosign shows no more; an image with so many is looked at by other means. */
const MAX_LAYERS_SHOWN = 100;

/**
 * An image's signatures as they are stored, in both formats; nothing is verified.
 *
 * @param options.bundlesFirst older signatures only where there is no bundle, as cosign does it
 * @throws NotFoundError TAG_NOT_FOUND or NO_SIGNATURE; RemoteError COULD_NOT_CHECK when none of what is there can be read; and
 *   as `fetchImageSignatures`
 */
export async function downloadSignatures(
  request: ImageSignaturesRequest,
  options: { readonly bundlesFirst: boolean },
): Promise<DownloadedSignatures> {
  const found = await fetchImageSignatures(request);
  if (found.signatures.length === 0) throw refusalOf(found, []);
  const bundles = found.signatures.filter(({ format }) => format === 'bundle');
  const layers = found.signatures.filter(({ format }) => format !== 'bundle').slice(0, MAX_LAYERS_SHOWN);
  const shown = options.bundlesFirst && bundles.length > 0 ? bundles : [...bundles, ...layers];
  return {
    lines: shown.map((signature) => signature.json ?? layerJson(signature)),
    unreadable: [
      ...found.unreadFormats,
      ...found.unusable.map(
        ({ manifestDigest, error }) => `${manifestDigest.toString()}: ${error.code} ${error.message}`,
      ),
    ],
  };
}

/** Member names and order of cosign's `download signature`; of a certificate, what programs take out of Go's writing of it. */
function layerJson({ layer, bundle }: FoundSignature): string {
  const { annotations = {}, content = new Uint8Array(0) } = layer ?? {};
  const { material } = bundle;
  const json = (name: 'rekorBundle' | 'timestamp'): unknown => {
    const text = annotations[LAYER_ANNOTATIONS[name]] ?? '';
    return text === '' ? null : (JSON.parse(text) as unknown);
  };
  return JSON.stringify({
    Base64Signature: annotations[LAYER_ANNOTATIONS.signature] ?? '',
    Payload: encodeBase64(content),
    Cert: material.kind === 'certificate' ? certificateJson(material.certificate) : null,
    Chain: material.kind === 'certificate' ? material.intermediates.map(certificateJson) : null,
    Bundle: json('rekorBundle'),
    RFC3161Timestamp: json('timestamp'),
  });
}

function certificateJson(certificate: Certificate): object {
  return {
    Raw: encodeBase64(certificate.raw),
    NotBefore: certificate.notBefore.toISOString().replace('.000Z', 'Z'),
    NotAfter: certificate.notAfter.toISOString().replace('.000Z', 'Z'),
  };
}
