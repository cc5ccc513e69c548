import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { parseProtoBase64 } from '../../core/encoding/base64.ts';
import type { CertificateRequestKey } from '../../core/wire/ca.ts';

/** The v1 request, whose key is base64 of PEM or DER, and whose token is in the header only. */
export function parseLegacyRequest(body: Uint8Array): CertificateRequestKey {
  const limits = { maxBytes: 256 << 10, maxDepth: 8 };
  const fields = new JsonFields(parseJson(body, 'the request', 'FORMAT_REQUEST', limits), 'request', 'FORMAT_REQUEST');
  const csr = fields.optionalString('certificateSigningRequest') ?? '';
  if (csr !== '') return { kind: 'request', pem: Buffer.from(parseProtoBase64(csr)).toString('latin1') };
  const encoded = fields.optionalObject('publicKey')?.optionalString('content') ?? '';
  const text = Buffer.from(parseProtoBase64(encoded, 'publicKey.content'));
  const proof = parseProtoBase64(fields.optionalString('signedEmailAddress') ?? '', 'signedEmailAddress');
  const content = text.includes('-----BEGIN') ? text.toString('latin1') : text.toString('base64');
  return { kind: 'publicKey', content, proofOfPossession: proof };
}
