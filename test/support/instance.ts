/**
 * A whole Sigstore instance in memory, with a fixed clock: CA, CT log, Rekor v1 and v2 logs, timestamp authority, and the
 * trusted root over them. Every part of what it signs can be replaced by one that is wrong.
 *
 *     const instance = new FakeInstance();
 *     const draft = instance.signMessage(artifact);
 *     verifyBundle({ bundle: instance.bundle(draft), trustedRoot: instance.trustedRoot, … });
 */
import { randomBytes } from 'node:crypto';
import { preAuthEncoding } from '../../src/core/attestation/dsse.ts';
import { encodeStatement, IN_TOTO_PAYLOAD_TYPE, STATEMENT_V1 } from '../../src/core/attestation/statement.ts';
import { parseBundle, type UnverifiedBundle } from '../../src/core/bundle/bundle.ts';
import { encodeBundle, type BundleParts } from '../../src/core/bundle/bundle-encoder.ts';
import { encodeHashedRekordBody, type LoggedVerifier } from '../../src/core/bundle/entry-body.ts';
import type { NamedDigest } from '../../src/core/bundle/hash-name.ts';
import type { TransparencyLogEntry } from '../../src/core/bundle/log-entry.ts';
import { digest, sha256, type HashAlgorithm } from '../../src/core/crypto/digest.ts';
import { keyDetailsName } from '../../src/core/crypto/key-details.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { KeyKind, PublicKey } from '../../src/core/crypto/public-key.ts';
import { defaultScheme, hashOf, type SignatureScheme } from '../../src/core/crypto/signature.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import type { IdentityMatcher } from '../../src/core/identity/identity-pattern.ts';
import {
  authorityKeyIdentifierExtension,
  extendedKeyUsageExtension,
  issueCertificate,
  keyUsageExtension,
  serialNumberFrom,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
  type ExtensionInput,
} from '../../src/core/pki/certificate-builder.ts';
import type { Certificate } from '../../src/core/pki/certificate.ts';
import { encodeFulcioExtensions, type FulcioExtensions } from '../../src/core/pki/fulcio-extensions.ts';
import type { SubjectAltName } from '../../src/core/pki/general-name.ts';
import { encodeName } from '../../src/core/pki/name.ts';
import { OID } from '../../src/core/pki/oids.ts';
import { encodeSct, encodeSctList, issueSct, type Sct } from '../../src/core/pki/sct.ts';
import { signTimestamp } from '../../src/core/pki/timestamp-signer.ts';
import { leafHash, nodeHash } from '../../src/core/tlog/merkle.ts';
import { encodeSignedNote } from '../../src/core/tlog/signed-note.ts';
import { createLogInstance, type LogInstance } from '../../src/core/trust/log-instance.ts';
import { TRUSTED_ROOT_V01, type CertificateAuthority, type TrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { signedEntryTimestampData } from '../../src/core/verify/signed-entry-timestamp.ts';
import { DIGITAL_SIGNATURE, issueIntermediate, issueRoot, issueTimestampLeaf, type Holder } from './test-authority.ts';

/** The moment at which everything is signed unless a test says otherwise. */
export const SIGNING_TIME = new Date('2026-06-01T12:00:30Z');
/** The window in which the instance's keys are believed. */
export const WINDOW = { start: new Date('2026-01-01T00:00:00Z'), end: new Date('2026-12-31T23:59:59Z') };

export const SUBJECT = 'alice@example.com';
export const ISSUER = 'https://accounts.example.com';
export const ALICE: IdentityMatcher = {
  subject: { kind: 'exact', value: SUBJECT },
  issuer: { kind: 'exact', value: ISSUER },
};

const EXACT_TREE = 5;

/** An append-only log of one checkpoint at a time; enough leaves around every entry for its proof to have hashes. */
export class FakeLog {
  readonly api: 'rekor-v1' | 'rekor-v2';
  readonly name: string;
  readonly key: PrivateKey;
  readonly instance: LogInstance;
  readonly #leaves: Uint8Array[] = [];

  constructor(
    api: 'rekor-v1' | 'rekor-v2',
    name: string,
    options: { kind?: KeyKind; key?: PrivateKey; operator?: string } = {},
  ) {
    this.api = api;
    this.name = name;
    this.key = options.key ?? PrivateKey.generate(options.kind ?? (api === 'rekor-v1' ? 'ecdsa-p256' : 'ed25519'));
    this.instance = createLogInstance({
      api,
      baseUrl: `https://${name}`,
      publicKey: this.key.publicKey,
      validFor: WINDOW,
      ...(options.operator === undefined ? {} : { operator: options.operator }),
    });
    for (let i = 0; i < EXACT_TREE; i++) this.#leaves.push(leafHash(utf8(`older entry ${i}`)));
  }

  get origin(): string {
    return this.api === 'rekor-v1' ? `${this.name} - 1193050959916656506` : this.name;
  }

  get size(): bigint {
    return BigInt(this.#leaves.length);
  }

  /** Logs a body, and grows the tree a little further before it is proven. */
  append(kind: string, version: string, body: Uint8Array, time = SIGNING_TIME): TransparencyLogEntry {
    const index = this.#leaves.push(leafHash(body)) - 1;
    this.#leaves.push(leafHash(utf8('a later entry')));
    const isV1 = this.api === 'rekor-v1';
    const entry: TransparencyLogEntry = {
      // Rekor v1 counts over all its shards.
      logIndex: BigInt(index) + (isV1 ? 1000n : 0n),
      logId: this.instance.logId,
      kind,
      version,
      integratedTime: isV1 ? BigInt(Math.floor(time.getTime() / 1000)) : 0n,
      inclusionProof: {
        logIndex: BigInt(index),
        rootHash: this.#root(0, this.#leaves.length),
        treeSize: this.size,
        hashes: this.#path(index, 0, this.#leaves.length),
        checkpoint: this.checkpoint(),
      },
      body,
    };
    return isV1 ? this.promise(entry) : entry;
  }

  /** The entry with a fresh promise over its present members. */
  promise(entry: TransparencyLogEntry): TransparencyLogEntry {
    return { ...entry, inclusionPromise: this.key.sign(signedEntryTimestampData(entry)) };
  }

  checkpoint(
    overrides: { origin?: string; name?: string; keyId?: Uint8Array; text?: string; key?: PrivateKey } = {},
  ): string {
    const root = encodeBase64(this.#root(0, this.#leaves.length));
    const text = overrides.text ?? `${overrides.origin ?? this.origin}\n${this.size}\n${root}\n`;
    return encodeSignedNote(text, [
      {
        name: overrides.name ?? this.name,
        keyId: overrides.keyId ?? this.instance.checkpointKeyId,
        signature: (overrides.key ?? this.key).sign(utf8(text)),
      },
    ]);
  }

  /** RFC 6962 §2.1, by its recursive definition: the code under test does it another way. */
  #root(from: number, to: number): Uint8Array {
    if (to - from === 1) return this.#leaves[from]!;
    const middle = from + split(to - from);
    return nodeHash(this.#root(from, middle), this.#root(middle, to));
  }

  #path(index: number, from: number, to: number): Uint8Array[] {
    if (to - from === 1) return [];
    const middle = from + split(to - from);
    return index < middle
      ? [...this.#path(index, from, middle), this.#root(middle, to)]
      : [...this.#path(index, middle, to), this.#root(from, middle)];
  }
}

/** Largest power of two below `count`. */
function split(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}

export interface FakeTimestampAuthority {
  readonly holder: Holder;
  readonly authority: CertificateAuthority;
}

export interface LeafInput {
  readonly names?: readonly SubjectAltName[];
  readonly fulcio?: FulcioExtensions;
  readonly issuer?: Holder;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Instead of key usage, purpose, identifiers, names and Fulcio's extensions. */
  readonly extensions?: readonly ExtensionInput[];
  /** Instead of one good SCT; an empty list leaves the extension out. */
  readonly scts?: (tbs: Uint8Array, issuer: Certificate) => readonly Sct[];
  /** Instead of the list made of them. */
  readonly sctExtension?: Uint8Array;
}

export interface DraftInput {
  readonly key?: PrivateKey;
  readonly scheme?: SignatureScheme;
  readonly leaf?: LeafInput;
  /** A bare key instead of a certificate. */
  readonly managed?: boolean;
  readonly log?: FakeLog;
  /** Time at which Rekor v1 says it took the entry in. */
  readonly logTime?: Date;
  readonly tsa?: FakeTimestampAuthority;
  readonly tsaTime?: Date;
  /** No timestamp at all. */
  readonly unstamped?: boolean;
  /** What is logged instead of the truth. */
  readonly logged?: Partial<LoggedInput>;
}

interface LoggedInput {
  readonly digest: NamedDigest;
  readonly signature: Uint8Array;
  readonly verifier: LoggedVerifier;
}

export type Draft = BundleParts & { readonly certificate?: Certificate; readonly key: PrivateKey };

/** JSON of a bundle, for tests to damage. */
export type BundleJson = Record<string, unknown> & { mediaType: string; verificationMaterial: Record<string, unknown> };

export class FakeInstance {
  readonly root: Holder;
  readonly intermediate: Holder;
  readonly ctKey = PrivateKey.generate('ecdsa-p256');
  readonly ctlog: LogInstance;
  readonly logV1 = new FakeLog('rekor-v1', 'rekor.example.com');
  readonly logV2 = new FakeLog('rekor-v2', 'log2026-1.rekor.example.com');
  readonly tsa: FakeTimestampAuthority;
  readonly trustedRoot: TrustedRoot;

  /** @param caKind Fulcio's public instance has P-384 */
  constructor(caKind: KeyKind = 'ecdsa-p256') {
    this.root = issueRoot({ kind: caKind });
    this.intermediate = issueIntermediate(this.root, { kind: caKind });
    this.ctlog = createLogInstance({
      api: 'ct',
      baseUrl: 'https://ct.example.com/2026',
      publicKey: this.ctKey.publicKey,
      validFor: WINDOW,
    });
    this.tsa = createTimestampAuthority('https://tsa.example.com/api/v1/timestamp', caKind);
    this.trustedRoot = {
      mediaType: TRUSTED_ROOT_V01,
      tlogs: [this.logV1.instance, this.logV2.instance],
      ctlogs: [this.ctlog],
      certificateAuthorities: [
        {
          subject: { organization: 'test', commonName: 'test root' },
          uri: 'https://fulcio.example.com',
          chain: [this.intermediate.certificate, this.root.certificate],
          validFor: WINDOW,
        },
      ],
      timestampAuthorities: [this.tsa.authority],
    };
  }

  /** Fulcio's profile, valid for ten minutes around the signing time, with one SCT of our CT log. */
  issueLeaf(publicKey: PublicKey, input: LeafInput = {}): Certificate {
    const issuer = input.issuer ?? this.intermediate;
    const base = {
      serialNumber: serialNumberFrom(randomBytes(20)),
      subject: encodeName({}),
      publicKey,
      notBefore: input.notBefore ?? new Date('2026-06-01T12:00:00Z'),
      notAfter: input.notAfter ?? new Date('2026-06-01T12:10:00Z'),
      extensions: input.extensions ?? this.leafExtensions(publicKey, issuer.certificate, input),
    };
    const bare = issueCertificate(base, issuer);
    const scts = (input.scts ?? ((tbs, by) => [this.sct(tbs, by)]))(bare.tbs, issuer.certificate);
    const value = input.sctExtension ?? (scts.length === 0 ? undefined : encodeSctList(scts));
    if (value === undefined) return bare;
    const list = { oid: OID.sctList, critical: false, value };
    return issueCertificate({ ...base, extensions: [...base.extensions, list] }, issuer);
  }

  leafExtensions(publicKey: PublicKey, issuer: Certificate, input: LeafInput = {}): ExtensionInput[] {
    return [
      keyUsageExtension(DIGITAL_SIGNATURE),
      extendedKeyUsageExtension(OID.codeSigning, false),
      subjectKeyIdentifierExtension(publicKey),
      authorityKeyIdentifierExtension(issuer),
      subjectAltNameExtension(true, ...(input.names ?? [{ kind: 'email' as const, value: SUBJECT }])),
      ...encodeFulcioExtensions(input.fulcio ?? { issuer: ISSUER }),
    ];
  }

  /** @param tbs the certificate's, before the list is added */
  sct(
    tbs: Uint8Array,
    issuer: Certificate,
    overrides: { key?: PrivateKey; time?: Date; logId?: Uint8Array } = {},
  ): Sct {
    const key = overrides.key ?? this.ctKey;
    return issueSct(
      { kind: 'precert', issuerKeyHash: issuer.publicKey.id, tbs },
      {
        logId: overrides.logId ?? this.ctlog.logId,
        timestamp: BigInt((overrides.time ?? SIGNING_TIME).getTime()),
        extensions: new Uint8Array(0),
      },
      (data) => key.sign(data),
    );
  }

  signMessage(artifact: Uint8Array, input: DraftInput = {}): Draft {
    const key = input.key ?? PrivateKey.generate('ecdsa-p256');
    const scheme = input.scheme ?? (key.kind === 'ed25519' ? 'ed25519ph' : defaultScheme(key.kind));
    const signature = key.sign(artifact, scheme);
    const named = digestFor(scheme, artifact);
    return this.#draft(
      key,
      scheme,
      signature,
      { kind: 'message', digest: { algorithm: 'sha256', digest: sha256(artifact) }, signature },
      named,
      input,
    );
  }

  /** A statement about the artifact, or the payload given instead, in an envelope. */
  signStatement(
    artifact: Uint8Array,
    input: DraftInput & { readonly payload?: Uint8Array; readonly payloadType?: string } = {},
  ): Draft {
    const key = input.key ?? PrivateKey.generate('ecdsa-p256');
    const scheme = input.scheme ?? defaultScheme(key.kind);
    const payload = input.payload ?? statementAbout(artifact);
    const payloadType = input.payloadType ?? IN_TOTO_PAYLOAD_TYPE;
    const message = preAuthEncoding(payloadType, payload);
    const signature = key.sign(message, scheme);
    const envelope = { payloadType, payload, signatures: [{ signature, keyId: '' }] };
    const isV1 = (input.log ?? this.logV2).api === 'rekor-v1';
    const named: NamedDigest = isV1 ? { algorithm: 'sha256', digest: sha256(payload) } : digestFor(scheme, message);
    return this.#draft(key, scheme, signature, { kind: 'dsse', envelope }, named, input);
  }

  #draft(
    key: PrivateKey,
    scheme: SignatureScheme,
    signature: Uint8Array,
    content: Draft['content'],
    named: NamedDigest,
    input: DraftInput,
  ): Draft {
    const certificate = input.managed === true ? undefined : this.issueLeaf(key.publicKey, input.leaf);
    const verifier: LoggedVerifier =
      certificate === undefined
        ? { kind: 'publicKey', der: key.publicKey.spki }
        : { kind: 'certificate', der: certificate.raw };
    const log = input.log ?? this.logV2;
    const logged = { digest: named, signature, verifier, ...input.logged };
    const entry =
      log.api === 'rekor-v2'
        ? log.append(
            'hashedrekord',
            '0.0.2',
            encodeHashedRekordBody({ ...logged, keyDetails: keyDetailsName(key.publicKey, scheme) }),
          )
        : log.append(
            content.kind === 'message' ? 'hashedrekord' : 'dsse',
            '0.0.1',
            content.kind === 'message' ? hashedRekordV1(logged) : dsseV1(logged),
            input.logTime,
          );
    return {
      material:
        certificate === undefined
          ? { kind: 'publicKey', hint: encodeBase64(key.publicKey.id) }
          : { kind: 'certificate', certificate },
      content,
      tlogEntries: [entry],
      timestamps: input.unstamped === true ? [] : [stamp(signature, input.tsa ?? this.tsa, { time: input.tsaTime })],
      key,
      ...(certificate === undefined ? {} : { certificate }),
    };
  }

  /** The draft as a bundle that has been through its own encoding. */
  bundle(draft: BundleParts): UnverifiedBundle {
    return parseBundle(encodeBundle(draft));
  }

  json(draft: BundleParts): BundleJson {
    return JSON.parse(encodeBundle(draft)) as BundleJson;
  }

  /** The draft in a shape that older clients wrote. */
  olderJson(draft: Draft, version: '0.1' | '0.2'): BundleJson {
    const json = this.json(draft);
    json.mediaType = `application/vnd.dev.sigstore.bundle+json;version=${version}`;
    const { certificate, ...rest } = json.verificationMaterial;
    json.verificationMaterial = { ...rest, x509CertificateChain: { certificates: [certificate] } };
    return json;
  }
}

/** An SCT as a CT log answers with it (RFC 6962 §4.1). */
export function sctResponse(sct: Sct): string {
  // Its signature has the algorithms and its length in front, which the TLS encoding ends with.
  const tls = encodeSct(sct);
  const signature = tls.subarray(1 + 32 + 8 + 2 + sct.extensions.length);
  return JSON.stringify({
    sct_version: 0,
    id: encodeBase64(sct.logId),
    timestamp: Number(sct.timestamp),
    extensions: encodeBase64(sct.extensions),
    signature: encodeBase64(signature),
  });
}

export function createTimestampAuthority(
  uri: string,
  kind: KeyKind = 'ecdsa-p256',
  leafExtensions?: readonly ExtensionInput[],
): FakeTimestampAuthority {
  const root = issueRoot({ kind, name: `root of ${uri}` });
  const holder = issueTimestampLeaf(root, {
    kind,
    name: `tsa ${uri}`,
    ...(leafExtensions === undefined ? {} : { extensions: leafExtensions }),
  });
  return {
    holder,
    authority: {
      subject: { organization: 'test', commonName: uri },
      uri,
      chain: [holder.certificate, root.certificate],
      validFor: WINDOW,
    },
  };
}

/** TimeStampResp over `message`. */
export function stamp(
  message: Uint8Array,
  { holder }: Pick<FakeTimestampAuthority, 'holder'>,
  options: { time?: Date | undefined; hash?: HashAlgorithm; embed?: boolean } = {},
): Uint8Array {
  const hashAlgorithm = options.hash ?? 'sha256';
  return signTimestamp(
    {
      messageImprint: { hashAlgorithm, hashedMessage: digest(hashAlgorithm, message) },
      wantsCertificate: options.embed ?? true,
      hasExtensions: false,
    },
    {
      policy: OID.sigstoreTsaPolicy,
      serialNumber: serialNumberFrom(randomBytes(20)),
      genTime: options.time ?? new Date(SIGNING_TIME.getTime() + 1000),
    },
    holder,
  );
}

export function statementAbout(artifact: Uint8Array, predicateType = 'https://example.com/predicate/v1'): Uint8Array {
  return encodeStatement({
    type: STATEMENT_V1,
    subjects: [{ name: 'artifact', digests: new Map([['sha256', encodeHex(sha256(artifact))]]) }],
    predicateType,
    predicate: {},
  });
}

function digestFor(scheme: SignatureScheme, message: Uint8Array): NamedDigest {
  const algorithm = hashOf(scheme) ?? 'sha256';
  return { algorithm, digest: digest(algorithm, message) };
}

/** base64 of PEM, as Rekor v1 has keys and certificates. */
function pemText({ kind, der }: LoggedVerifier): string {
  return encodeBase64(utf8(encodePem(kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY', der)));
}

export function hashedRekordV1({ digest: named, signature, verifier }: LoggedInput): Uint8Array {
  return utf8(
    `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"${named.algorithm}","value":"${encodeHex(named.digest)}"}},` +
      `"signature":{"content":"${encodeBase64(signature)}","publicKey":{"content":"${pemText(verifier)}"}}}}`,
  );
}

export function rekordV1({ digest: named, signature, verifier }: LoggedInput): Uint8Array {
  return utf8(
    `{"apiVersion":"0.0.1","kind":"rekord","spec":{"data":{"hash":{"algorithm":"${named.algorithm}","value":"${encodeHex(named.digest)}"}},` +
      `"signature":{"content":"${encodeBase64(signature)}","format":"x509","publicKey":{"content":"${pemText(verifier)}"}}}}`,
  );
}

/** @param input.digest of the envelope as it was uploaded */
export function intotoV001({ digest: named, verifier }: Pick<LoggedInput, 'digest' | 'verifier'>): Uint8Array {
  return utf8(
    `{"apiVersion":"0.0.1","kind":"intoto","spec":{"content":{"hash":{"algorithm":"${named.algorithm}",` +
      `"value":"${encodeHex(named.digest)}"}},"publicKey":"${pemText(verifier)}"}}`,
  );
}

/** @param envelope as it was proposed; cosign compares its hash where the envelope lies by itself */
export function dsseV1({ digest: named, signature, verifier }: LoggedInput, envelope?: string): Uint8Array {
  const hash = envelope === undefined ? '0'.repeat(64) : encodeHex(sha256(utf8(envelope)));
  return utf8(
    `{"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"${hash}"},` +
      `"payloadHash":{"algorithm":"${named.algorithm}","value":"${encodeHex(named.digest)}"},` +
      `"signatures":[{"signature":"${encodeBase64(signature)}","verifier":"${pemText(verifier)}"}]}}`,
  );
}

export function intotoV1({ digest: named, signature, verifier }: LoggedInput): Uint8Array {
  const twice = encodeBase64(utf8(encodeBase64(signature)));
  return utf8(
    `{"apiVersion":"0.0.2","kind":"intoto","spec":{"content":{"envelope":{"payloadType":"application/vnd.in-toto+json",` +
      `"signatures":[{"publicKey":"${pemText(verifier)}","sig":"${twice}"}]},` +
      `"payloadHash":{"algorithm":"${named.algorithm}","value":"${encodeHex(named.digest)}"}}}}`,
  );
}
