/** Something signed for each command that verifies, with the part that a flag is about left out, wrong or elsewhere. */
import { encodeEnvelope } from '../../src/core/attestation/dsse.ts';
import { IMAGE_SIGNATURE_PREDICATE } from '../../src/core/attestation/image-signature.ts';
import { encodeStatement, STATEMENT_V1 } from '../../src/core/attestation/statement.ts';
import { encodeBlobBundle } from '../../src/core/bundle/detached-signature.ts';
import { layerAnnotations } from '../../src/core/bundle/signature-layer.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { sha256 } from '../../src/core/crypto/digest.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import type { Digest } from '../../src/core/image/digest.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import type { Certificate } from '../../src/core/pki/certificate.ts';
import { issueSct } from '../../src/core/pki/sct.ts';
import { pushBundle } from '../../src/io/registry/bundle-store.ts';
import type { RegistryClient } from '../../src/io/registry/registry-client.ts';
import type { Sandbox } from '../support/command-line.ts';
import { FakeInstance, sctResponse, SIGNING_TIME, type Draft, type DraftInput } from '../support/instance.ts';
import { pushLayers } from '../support/signature-layers.ts';
import { pushImage } from '../support/signing-world.ts';

export const IMAGE_COMMANDS = ['verify', 'dockerfile verify', 'manifest verify'] as const;
export const VERIFY_COMMANDS = [
  ...IMAGE_COMMANDS,
  'verify-attestation',
  'verify-blob',
  'verify-blob-attestation',
] as const;
export type VerifyCommand = (typeof VERIFY_COMMANDS)[number];

export const PREDICATE_TYPE = 'https://example.com/reviewed/v1';

export interface SignedThing extends DraftInput {
  /** Left out of what is stored, though logged. */
  readonly without?: readonly ('certificate' | 'entry')[];
  /** Stored beside the certificate, where chains are stored. */
  readonly chain?: readonly Certificate[];
  /** What was signed is about something else. */
  readonly isAboutOther?: boolean;
  readonly noted?: Readonly<Record<string, string>>;
}

export class VerifyWorld {
  readonly instance = new FakeInstance();
  readonly stranger = new FakeInstance();
  readonly registry: RegistryClient;
  readonly #sandbox: Sandbox;
  readonly #host: string;
  #count = 0;
  /** What was signed last: its parts, wherever they have been put. */
  draft: Draft | undefined;
  /** Behind it is a log that has the entry of what was signed last, below `/full`, and one that has none, below `/empty`. */
  readonly logUrl: string;

  constructor(sandbox: Sandbox, registry: RegistryClient, host: string, logUrl: string) {
    this.#sandbox = sandbox;
    this.registry = registry;
    this.#host = host;
    this.logUrl = logUrl;
  }

  write(name: string, content: string | Uint8Array): string {
    return this.#sandbox.write(name, content);
  }

  /** Pushes a small image that nobody has signed. */
  async image(): Promise<{ readonly reference: ImageReference; readonly digest: Digest; readonly name: string }> {
    const name = `${this.#host}/thing-${++this.#count}:1`;
    return { ...(await pushImage(this.registry, name, `content ${this.#count}`)), name };
  }

  /**
   * Signs something of the command's kind as cosign did before bundles, which has every part in a place of its own.
   *
   * @returns what stands on the command line for it
   */
  async signed(command: VerifyCommand, thing: SignedThing = {}): Promise<readonly string[]> {
    const input = { log: this.instance.logV1, ...thing };
    if (command === 'verify-blob' || command === 'verify-blob-attestation') return this.#signedBlob(command, input);
    const { reference, digest, name } = await this.image();
    const subject = thing.isAboutOther === true ? (await this.image()).digest : digest;
    if (command === 'verify-attestation') {
      const payload = statementAbout(subject.hex);
      const draft = (this.draft = this.instance.signStatement(new Uint8Array(0), { ...input, payload }));
      const layer = { content: utf8(envelopeOf(draft)), annotations: annotationsOf(draft, thing) };
      await pushLayers(this.registry, reference, digest, [layer], 'att');
      return ['--type', PREDICATE_TYPE, name];
    }
    const content = encodeSimpleSigning(reference.context, subject, thing.noted);
    const draft = (this.draft = this.instance.signMessage(content, input));
    const annotations = annotationsOf(draft, thing);
    await pushLayers(this.registry, reference, digest, [{ content, annotations }]);
    return [this.named(command, name)];
  }

  /** A bundle of version 0.3 with a chain in it, which such bundles have no room for. */
  async bundledWithChain(command: VerifyCommand): Promise<readonly string[]> {
    const isImage = command !== 'verify-blob' && command !== 'verify-blob-attestation';
    const image = isImage ? await this.image() : undefined;
    const blob = utf8(`blob ${++this.#count}`);
    const predicateType = IMAGE_COMMANDS.some((name) => name === command) ? IMAGE_SIGNATURE_PREDICATE : PREDICATE_TYPE;
    const draft =
      command === 'verify-blob'
        ? this.instance.signMessage(blob)
        : this.instance.signStatement(blob, {
            payload: statementAbout(image?.digest.hex ?? encodeHex(sha256(blob)), predicateType),
          });
    const json = this.instance.json(draft);
    const { certificate, ...rest } = json.verificationMaterial;
    const intermediate = { rawBytes: encodeBase64(this.instance.intermediate.certificate.raw) };
    json.verificationMaterial = { ...rest, x509CertificateChain: { certificates: [certificate, intermediate] } };
    const type = command.endsWith('attestation') ? ['--type', PREDICATE_TYPE] : [];
    if (image === undefined) {
      const number = ++this.#count;
      const bundle = this.write(`${number}.json`, JSON.stringify(json));
      return ['--bundle', bundle, ...type, this.write(`${number}.blob`, blob)];
    }
    const subject = await this.registry.resolve(image.reference);
    const options = { predicateType, createdAt: SIGNING_TIME };
    await pushBundle(this.registry, image.reference, subject, JSON.stringify(json), options);
    return [...type, this.named(command, image.name)];
  }

  /** What a CT log would have answered for a certificate that has no SCT inside. */
  sctOf({ raw }: Certificate): string {
    const { ctKey, ctlog } = this.instance;
    const stamped = { logId: ctlog.logId, timestamp: BigInt(SIGNING_TIME.getTime()), extensions: new Uint8Array(0) };
    return sctResponse(issueSct({ kind: 'x509', certificate: raw }, stamped, (data) => ctKey.sign(data)));
  }

  /** An image as the command wants it named: itself, or in a file. */
  named(command: VerifyCommand, ...images: readonly string[]): string {
    const number = ++this.#count;
    if (command === 'dockerfile verify') {
      return this.write(`Dockerfile.${number}`, images.map((image) => `FROM ${image}\n`).join(''));
    }
    if (command !== 'manifest verify') return images[0] ?? '';
    const containers = images.map((image) => `  - image: ${image}\n`).join('');
    return this.write(`${number}.yaml`, `kind: Pod\nspec:\n  containers:\n${containers}`);
  }

  #signedBlob(command: 'verify-blob' | 'verify-blob-attestation', thing: SignedThing): readonly string[] {
    const number = ++this.#count;
    const content = utf8(`blob ${number}`);
    const subject = thing.isAboutOther === true ? utf8('something else') : content;
    const isMessage = command === 'verify-blob';
    const draft = isMessage
      ? this.instance.signMessage(subject, thing)
      : this.instance.signStatement(subject, { ...thing, payload: statementAbout(encodeHex(sha256(subject))) });
    this.draft = draft;
    const [entry] = thing.without?.includes('entry') === true ? [] : draft.tlogEntries;
    const verifier =
      draft.certificate === undefined || thing.without?.includes('certificate') === true
        ? undefined
        : ({ kind: 'certificate', der: draft.certificate.raw } as const);
    const signature = isMessage ? signatureOf(draft) : utf8(envelopeOf(draft));
    const bundle = this.write(`${number}.bundle`, encodeBlobBundle({ signature, verifier, entry }));
    const [timestamp] = draft.timestamps;
    return [
      ...['--bundle', bundle],
      ...(timestamp === undefined ? [] : ['--rfc3161-timestamp', this.write(`${number}.tsr`, timestamp)]),
      ...(isMessage ? [] : ['--type', PREDICATE_TYPE]),
      this.write(`${number}.blob`, content),
    ];
  }
}

export function statementAbout(sha256Hex: string, predicateType = PREDICATE_TYPE): Uint8Array {
  return encodeStatement({
    type: STATEMENT_V1,
    subjects: [{ name: 'thing', digests: new Map([['sha256', sha256Hex]]) }],
    predicateType,
    predicate: {},
  });
}

export function envelopeOf({ content }: Draft): string {
  if (content.kind !== 'dsse') throw new TypeError('not an envelope');
  return encodeEnvelope(content.envelope);
}

export function signatureOf({ content }: Draft): Uint8Array {
  if (content.kind !== 'message') throw new TypeError('not a signature over bytes');
  return content.signature;
}

function annotationsOf(draft: Draft, { without = [], chain = [] }: SignedThing): Readonly<Record<string, string>> {
  const [entry] = without.includes('entry') ? [] : draft.tlogEntries;
  const [timestamp] = draft.timestamps;
  return layerAnnotations({
    signature: draft.content.kind === 'message' ? draft.content.signature : undefined,
    ...(draft.certificate === undefined || without.includes('certificate') ? {} : { certificate: draft.certificate }),
    chain,
    ...(entry === undefined ? {} : { entry }),
    ...(timestamp === undefined ? {} : { timestamp }),
  });
}
