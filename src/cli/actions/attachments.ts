import { existsSync, statSync } from 'node:fs';
import {
  parseCertificateFile,
  parseDetachedSignature,
  parseTimestampFile,
} from '../../core/bundle/detached-signature.ts';
import { parseUncheckedPromise } from '../../core/bundle/rekor-bundle.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { FormatError, LimitError, UsageError } from '../../errors.ts';
import {
  attachAttestation,
  attachBundle,
  attachSignature,
  entryOfResponse,
  isBundle,
  type Attached,
  type AttachRequest,
  type AttachSignatureRequest,
} from '../../workflows/sign/attach-signature.ts';
import { downloadSignatures } from '../../workflows/carry/download-signatures.ts';
import { passedOver } from '../choices/image-material.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { readInputFile, readTextFile, readWholeInput } from '../terminal/input-file.ts';

export async function downloadImageSignatures(context: CommandContext): Promise<void> {
  const { terminal, compat } = context;
  const repository = signatureRepository(context);
  const { lines, unreadable } = await downloadSignatures(
    {
      registry: registryClient(context, 'pull'),
      reference: imageReference(context.flags.arguments[0] ?? ''),
      tagPrefix: attachmentTagPrefix(context),
      ...(repository === undefined ? {} : { signatureRepository: repository }),
      ...(compat
        ? { predicateTypes: 'any', layerReading: { dropsUnreadableEntry: true }, passesOver: passedOver(context) }
        : {}),
    },
    { bundlesFirst: compat },
  );
  for (const line of lines) terminal.result(line);
  for (const text of unreadable) terminal.warn(`not read: ${text}`);
}

export async function attachImageSignature(context: CommandContext): Promise<void> {
  const { flags } = context;
  const payloadFile = flags.string('payload');
  const payload = payloadFile === undefined ? undefined : readInputFile(payloadFile);
  const request = requestOf(context);
  if (payload !== undefined && isAttachedBundle(context, payload)) {
    report(context, await attachBundle(request, payload));
    return;
  }
  const signature = flags.string('signature');
  if (signature === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'no signature is given', {
      expected: '--signature FILE, or a Sigstore bundle as --payload',
    });
  }
  const [certificate, timestamp, response] = ['certificate', 'tsr', 'rekor-response'].map((name) => {
    const file = flags.string(name);
    return file === undefined ? undefined : readInputFile(file);
  });
  const [leaf] = certificate === undefined ? [] : parseCertificateFile(certificate);
  const chain = flags.string('certificate-chain');
  const attached = await attachSignature({
    ...request,
    ...(await signatureOf(context, signature)),
    ...(payload === undefined ? {} : { payload }),
    ...(leaf === undefined ? {} : { certificate: leaf }),
    ...(chain === undefined ? {} : chainOf(context, readTextFile(chain))),
    ...(timestamp === undefined ? {} : timestampOf(context, timestamp)),
    ...(response === undefined ? {} : promiseOf(context, response)),
  });
  report(context, attached);
}

/** To cosign what cannot be read as a bundle is a payload. */
function isAttachedBundle({ compat }: CommandContext, payload: Uint8Array): boolean {
  try {
    return isBundle(payload);
  } catch (error) {
    if (compat && (error instanceof FormatError || error instanceof LimitError)) return false;
    throw error;
  }
}

/** cosign stores the text of a file, or of stdin, as it is; by default the base64 itself may be given. */
async function signatureOf(
  { compat }: CommandContext,
  given: string,
): Promise<Pick<AttachSignatureRequest, 'signature' | 'uncheckedSignature'>> {
  if (!compat) return { signature: parseDetachedSignature(existsSync(given) ? readInputFile(given) : utf8(given)) };
  const stored = await readWholeInput(given);
  if (stored.length > 0) return { signature: stored, uncheckedSignature: Buffer.from(stored).toString() };
  throw new FormatError('FORMAT_SIGNATURE', 'the signature is empty', { details: { cosign: 'empty signature' } });
}

/** cosign stores a chain that is none, and nobody then reads it: here it is left out, aloud. */
function chainOf(context: CommandContext, text: string): Pick<AttachSignatureRequest, 'chain'> {
  return unlessPassedOver(context, '--certificate-chain', () => ({ chain: Certificate.allFromPem(text) }));
}

/** The same of a timestamp. */
function timestampOf(context: CommandContext, content: Uint8Array): Pick<AttachSignatureRequest, 'timestamp'> {
  return unlessPassedOver(context, '--tsr', () => ({ timestamp: parseTimestampFile(content) }));
}

function unlessPassedOver<Part extends object>(context: CommandContext, what: string, read: () => Part): Partial<Part> {
  try {
    return read();
  } catch (error) {
    if (!context.compat || !(error instanceof FormatError || error instanceof LimitError)) throw error;
    passedOver(context)(what, error);
    return {};
  }
}

/** cosign stores what the file says, which may be no entry of a log at all. */
function promiseOf(
  { compat }: CommandContext,
  response: Uint8Array,
): Pick<AttachSignatureRequest, 'entry' | 'uncheckedPromise'> {
  if (compat) {
    const uncheckedPromise = parseUncheckedPromise(response);
    return uncheckedPromise === undefined ? {} : { uncheckedPromise };
  }
  const entry = entryOfResponse(response);
  return entry === undefined ? {} : { entry };
}

export async function attachImageAttestations(context: CommandContext): Promise<void> {
  const files = context.flags.list('attestation');
  // cosign has attached nothing, and is content.
  if (files.length === 0 && !context.compat) {
    throw new UsageError('USAGE_BAD_FLAG', 'no attestation is given', { expected: '--attestation FILE' });
  }
  const request = requestOf(context);
  // All are read before the first is written: a file that cannot be read leaves the image as it was.
  const documents = files.filter((file) => !isNothing(context, file)).map(readInputFile);
  for (const document of documents) report(context, await attachAttestation(request, document));
}

/** In an empty file, and in a folder, cosign finds no attestation to attach, and is content. */
function isNothing({ compat, terminal }: CommandContext, file: string): boolean {
  const there = compat ? statSync(file, { throwIfNoEntry: false }) : undefined;
  if (there === undefined || !(there.isDirectory() || (there.isFile() && there.size === 0))) return false;
  terminal.warn(`${file} has no attestation: nothing of it is attached`);
  return true;
}

function requestOf(context: CommandContext): AttachRequest {
  const repository = signatureRepository(context);
  return {
    registry: registryClient(context, 'push'),
    reference: imageReference(context.flags.arguments[0] ?? ''),
    now: context.now,
    tagPrefix: attachmentTagPrefix(context),
    ...(context.compat ? { isUnchecked: true } : {}),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  };
}

function report({ terminal }: CommandContext, { subject, manifest }: Attached): void {
  terminal.progress(terminal.done(`attached to ${subject.digest.toString()}: ${manifest.digest.toString()}`));
}
