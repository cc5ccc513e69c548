/** What a parser's row holds, and the samples that several of them damage. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { parsePem } from '../../src/core/encoding/pem.ts';
import { encodeTimestampRequest } from '../../src/core/pki/timestamp-request.ts';
import type { ErrorFamily } from '../../src/errors.ts';
import { Parameters } from '../../src/servers/oidc/parameters.ts';
import { FakeInstance } from '../support/instance.ts';

export interface FuzzedParser {
  /** `file under src: exported name`, by which the list is kept complete. */
  readonly name: string;
  readonly samples: readonly (Uint8Array | string)[];
  /** Parses, and touches what is read only when asked for. */
  readonly parse: (bytes: Uint8Array) => unknown;
  readonly families: readonly ErrorFamily[];
  /** How often, for what is slow by design. */
  readonly rounds?: number;
}

export const FORMAT: readonly ErrorFamily[] = ['format', 'limit'];

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export const VECTORS = resolve(import.meta.dirname, '../vectors');

export const vectors = (folder: string, ending: string): readonly Uint8Array[] =>
  readdirSync(join(VECTORS, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(VECTORS, folder, name)));

export const INSTANCE = new FakeInstance();

export const ARTIFACT = utf8('the artifact');

export const KEY = PrivateKey.generate('ecdsa-p256');

export const DRAFTS = [
  INSTANCE.signMessage(ARTIFACT),
  INSTANCE.signMessage(ARTIFACT, { log: INSTANCE.logV1 }),
  INSTANCE.signStatement(ARTIFACT),
  INSTANCE.signStatement(ARTIFACT, { managed: true, log: INSTANCE.logV1 }),
];

export const ENTRIES = DRAFTS.map(({ tlogEntries }) => tlogEntries[0]!);

export const LEAF = DRAFTS[0]!.certificate!;

export const CERTIFICATES = [
  LEAF.raw,
  INSTANCE.root.certificate.raw,
  ...vectors('pki', '.pem').map((pem) => parsePem(text(pem))[0]!.der),
];

export const LOGGED = {
  digest: { algorithm: 'sha256', digest: new Uint8Array(32) },
  signature: KEY.sign(ARTIFACT),
  verifier: { kind: 'publicKey', der: KEY.publicKey.spki },
} as const;

export const TIMESTAMP_REQUEST = encodeTimestampRequest({
  messageImprint: { hashAlgorithm: 'sha256', hashedMessage: new Uint8Array(32) },
  policy: '1.3.6.1.4.1.57264.2',
  nonce: Uint8Array.of(1, 2, 3),
  wantsCertificate: true,
});

export const CHECKPOINTS = [INSTANCE.logV2.checkpoint(), INSTANCE.logV1.checkpoint()];

export const CLAIMS = {
  iss: 'https://issuer.example.org',
  sub: '1',
  aud: 'sigstore',
  exp: 1e10,
  email: 'alice@example.com',
  email_verified: true,
  federated_claims: { connector_id: 'x' },
  'kubernetes.io': { namespace: 'a', serviceaccount: { name: 'b' } },
};

export const TOKEN = ['{"alg":"ES256"}', JSON.stringify(CLAIMS), 'signature']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');

export const DIGEST = `sha256:${'ab'.repeat(32)}`;

export const parameters = (bytes: Uint8Array): Parameters => new Parameters(new URLSearchParams(text(bytes)));

export const json = (...values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value));
