/** What cosign wrote before bundles: payloads, annotations, promises. */
import { encodeEnvelope } from '../../src/core/attestation/dsse.ts';
import {
  parseDetachedEnvelope,
  encodeBlobBundle,
  isBlobBundle,
  parseBlobBundle,
  parseCertificateFile,
  parseDetachedSignature,
  parseTimestampFile,
} from '../../src/core/bundle/detached-signature.ts';
import { parseEntryBody } from '../../src/core/bundle/entry-body.ts';
import { parseRekorBundle, parseUncheckedPromise } from '../../src/core/bundle/rekor-bundle.ts';
import {
  LAYER_ANNOTATIONS,
  parseTimestampAnnotation,
  readAttestationLayer,
  readSignatureLayer,
} from '../../src/core/bundle/signature-layer.ts';
import { parseSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { parseSctResponse } from '../../src/core/pki/sct-response.ts';
import { signedEntryTimestampData } from '../../src/core/verify/signed-entry-timestamp.ts';
import { parseFoundEntries } from '../../src/core/wire/log-v1.ts';
import { intotoV001, rekordV1, sctResponse, stamp, statementAbout } from '../support/instance.ts';
import { logV1Answer } from '../support/signing-world.ts';
import { attestationLayer, signedLayer } from '../support/signature-layers.ts';
import { ARTIFACT, DRAFTS, FORMAT, INSTANCE, LEAF, LOGGED, text, type FuzzedParser } from './samples.ts';

const IMAGE = Digest.of(ARTIFACT);
const LAYER = signedLayer(INSTANCE, IMAGE, { noted: { build: '42' } });
const ATTESTATION = attestationLayer(INSTANCE, statementAbout(ARTIFACT));
const OLDEST_PAYLOAD = utf8(
  `{"Critical":{"Identity":{"docker-reference":""},"Image":{"Docker-manifest-digest":"${IMAGE.toString()}"},` +
    `"Type":"cosign container signature"},"Optional":null}`,
);

const BLOB_BUNDLE = encodeBlobBundle({
  signature: LOGGED.signature,
  verifier: LOGGED.verifier,
  entry: parseRekorBundle(LAYER.annotations[LAYER_ANNOTATIONS.rekorBundle]!),
});

const ENVELOPES = DRAFTS.flatMap(({ content }) => (content.kind === 'dsse' ? [encodeEnvelope(content.envelope)] : []));

export const LAYER_PARSERS: readonly FuzzedParser[] = [
  {
    name: 'core/bundle/simple-signing.ts: parseSimpleSigning',
    families: FORMAT,
    parse: parseSimpleSigning,
    samples: [LAYER.content, OLDEST_PAYLOAD],
  },
  {
    name: 'core/bundle/rekor-bundle.ts: parseRekorBundle',
    families: FORMAT,
    parse: (bytes) => signedEntryTimestampData(parseRekorBundle(bytes)),
    samples: [LAYER.annotations[LAYER_ANNOTATIONS.rekorBundle]!],
  },
  {
    name: 'core/bundle/rekor-bundle.ts: parseUncheckedPromise',
    families: FORMAT,
    parse: parseUncheckedPromise,
    samples: [BLOB_BUNDLE, '{"rekorBundle":{"Payload":{"body":{"any":1},"logIndex":2}}}'],
  },
  {
    name: 'core/bundle/signature-layer.ts: parseTimestampAnnotation',
    families: FORMAT,
    parse: parseTimestampAnnotation,
    samples: [LAYER.annotations[LAYER_ANNOTATIONS.timestamp]!],
  },
  ...(['signature', 'certificate', 'chain', 'rekorBundle', 'timestamp'] as const).map((part) => ({
    name: `core/bundle/signature-layer.ts: readSignatureLayer, ${part}`,
    families: FORMAT,
    parse: (bytes: Uint8Array) =>
      readSignatureLayer(LAYER.content, { ...LAYER.annotations, [LAYER_ANNOTATIONS[part]]: text(bytes) }),
    samples: [LAYER.annotations[LAYER_ANNOTATIONS[part]]!],
  })),
  {
    name: 'core/bundle/signature-layer.ts: readAttestationLayer',
    families: FORMAT,
    parse: (bytes) => readAttestationLayer(bytes, ATTESTATION.annotations),
    samples: [ATTESTATION.content],
  },
  {
    name: 'core/bundle/detached-signature.ts: parseBlobBundle',
    families: FORMAT,
    parse: (bytes) => (isBlobBundle(bytes) ? parseBlobBundle(bytes) : undefined),
    samples: [BLOB_BUNDLE],
  },
  {
    name: 'core/bundle/detached-signature.ts: parseDetachedEnvelope',
    families: FORMAT,
    parse: parseDetachedEnvelope,
    samples: [...ENVELOPES, ...ENVELOPES.map((envelope) => Buffer.from(envelope).toString('base64'))],
  },
  {
    name: 'core/bundle/detached-signature.ts: parseDetachedSignature',
    families: FORMAT,
    parse: parseDetachedSignature,
    samples: [LOGGED.signature, Buffer.from(LOGGED.signature).toString('base64')],
  },
  {
    name: 'core/bundle/detached-signature.ts: parseCertificateFile',
    families: FORMAT,
    parse: parseCertificateFile,
    samples: [LEAF.raw, LEAF.toPem(), Buffer.from(LEAF.toPem()).toString('base64')],
  },
  {
    name: 'core/bundle/detached-signature.ts: parseTimestampFile',
    families: FORMAT,
    parse: parseTimestampFile,
    samples: [stamp(ARTIFACT, INSTANCE.tsa), LAYER.annotations[LAYER_ANNOTATIONS.timestamp]!],
  },
  {
    name: 'core/pki/sct-response.ts: parseSctResponse',
    families: FORMAT,
    parse: parseSctResponse,
    samples: [sctResponse(INSTANCE.sct(LEAF.tbs, INSTANCE.intermediate.certificate))],
  },
  {
    name: 'core/wire/log-v1.ts: parseFoundEntries',
    families: FORMAT,
    parse: parseFoundEntries,
    samples: [
      '[]',
      JSON.stringify([logV1Answer(INSTANCE.signMessage(ARTIFACT, { log: INSTANCE.logV1 }).tlogEntries[0]!)]),
    ],
  },
  ...(
    [
      ['rekord', rekordV1(LOGGED)],
      ['intoto', intotoV001(LOGGED)],
    ] as const
  ).map(([kind, sample]) => ({
    name: 'core/bundle/entry-body.ts: parseEntryBody',
    families: FORMAT,
    parse: (body: Uint8Array) => parseEntryBody({ kind, version: '0.0.1', body }),
    samples: [sample],
  })),
];
