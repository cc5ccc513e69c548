import { encodeBase64 } from '../encoding/base64.ts';
import { concatBytes, utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';

/** One signature of an envelope. `keyId` is a hint that nobody signed. */
export interface EnvelopeSignature {
  readonly signature: Uint8Array;
  /** Empty when absent. */
  readonly keyId: string;
}

/** A DSSE envelope (dsse `envelope.md`); unverified. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

/** More would only be work for a verifier; bundles allow exactly one anyway. */
const MAX_SIGNATURES = 16;

/** @throws FormatError FORMAT_ENVELOPE or FORMAT_BASE64; LimitError */
export function parseEnvelope(input: Uint8Array | string): Envelope {
  return envelopeFrom(
    new JsonFields(parseJson(input, 'the DSSE envelope', 'FORMAT_ENVELOPE'), 'envelope', 'FORMAT_ENVELOPE'),
  );
}

/** The envelope in a larger document. Errors carry that document's code. */
export function envelopeFrom(fields: JsonFields): Envelope {
  fields.only('payload', 'payloadType', 'signatures');
  return {
    payloadType: fields.string('payloadType'),
    payload: fields.bytes('payload'),
    signatures: fields.objects('signatures', MAX_SIGNATURES).map((signature) => {
      signature.only('sig', 'keyid');
      return { signature: signature.bytes('sig'), keyId: signature.optionalString('keyid') ?? '' };
    }),
  };
}

/** The envelope as JSON members, in the order Sigstore's clients write them; an empty key id is left out. */
export function envelopeJson(envelope: Envelope): {
  payload: string;
  payloadType: string;
  signatures: { sig: string; keyid?: string }[];
} {
  return {
    payload: encodeBase64(envelope.payload),
    payloadType: envelope.payloadType,
    signatures: envelope.signatures.map(({ signature, keyId }) => ({
      sig: encodeBase64(signature),
      ...(keyId === '' ? {} : { keyid: keyId }),
    })),
  };
}

export function encodeEnvelope(envelope: Envelope): string {
  return JSON.stringify(envelopeJson(envelope));
}

/**
 * The bytes under a DSSE signature: `DSSEv1 SP LEN(type) SP type SP LEN(body) SP body` (dsse `protocol.md`). Lengths are
 * counted in bytes, so that no two pairs of type and payload share an encoding.
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}
