/** What cosign wrote before bundles: payloads, annotations, promises. */
import { parseEntryBody } from '../../src/core/bundle/entry-body.ts';
import { parseRekorBundle } from '../../src/core/bundle/rekor-bundle.ts';
import {
  LAYER_ANNOTATIONS,
  parseTimestampAnnotation,
  readAttestationLayer,
  readSignatureLayer,
} from '../../src/core/bundle/signature-layer.ts';
import { parseSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { signedEntryTimestampData } from '../../src/core/verify/signed-entry-timestamp.ts';
import { intotoV001, rekordV1, statementAbout } from '../support/instance.ts';
import { attestationLayer, signedLayer } from '../support/signature-layers.ts';
import { ARTIFACT, FORMAT, INSTANCE, LOGGED, text, type FuzzedParser } from './samples.ts';

const IMAGE = Digest.of(ARTIFACT);
const LAYER = signedLayer(INSTANCE, IMAGE, { noted: { build: '42' } });
const ATTESTATION = attestationLayer(INSTANCE, statementAbout(ARTIFACT));
const OLDEST_PAYLOAD = utf8(
  `{"Critical":{"Identity":{"docker-reference":""},"Image":{"Docker-manifest-digest":"${IMAGE.toString()}"},` +
    `"Type":"cosign container signature"},"Optional":null}`,
);

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
