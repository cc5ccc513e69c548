import { parseEnvelope } from '../../core/attestation/dsse.ts';
import { parseBundle } from '../../core/bundle/bundle.ts';
import {
  parseBlobBundle,
  parseCertificateFile,
  parseDetachedSignature,
  parseTimestampFile,
} from '../../core/bundle/detached-signature.ts';
import { PublicKey } from '../../core/crypto/public-key.ts';
import { SIGSTORE_BUNDLE_V03 } from '../../core/image/media-types.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { UsageError } from '../../errors.ts';
import { LogV1Client } from '../../io/clients/log-v1-client.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { createBundle, upgradeBundle, type CreateBundleRequest } from '../../workflows/verify/rewrite-bundle.ts';
import { bundleInspection } from '../report/bundle-inspection.ts';
import { refuseHardwareKeys, verificationKey } from '../choices/key-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readInputFile, readTextFile } from '../terminal/input-file.ts';
import { writeResultFile } from '../terminal/output-file.ts';

export function inspectBundle({ flags, terminal }: CommandContext): void {
  const [file = ''] = flags.arguments;
  terminal.warn('this shows what is in the bundle; nothing of it is verified');
  terminal.result(bundleInspection(parseBundle(readInputFile(file))).join('\n'));
}

export async function upgradeBundleFile(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const [file = ''] = flags.arguments;
  const json = readTextFile(file);
  const log = logOf(context);
  const upgraded = await upgradeBundle(json, (index) => log.at(index));
  if (upgraded === json) terminal.progress('the bundle is of version 0.3 already');
  writeResult(context, upgraded);
}

export async function createBundleFile(context: CommandContext): Promise<void> {
  const { flags } = context;
  refuseHardwareKeys(context);
  const artifact = readInputFile(flags.required('artifact'));
  for (const name of ['signature', 'certificate', 'attestation']) flags.exclude('bundle', name);
  flags.exclude('signature', 'attestation');
  const { signature, certificate } = signatureAndCertificate(context);
  const timestamp = flags.string('rfc3161-timestamp');
  const log = logOf(context);
  const json = await createBundle({
    artifact,
    signature,
    signer: await signerOf(context, certificate),
    ...(timestamp === undefined ? {} : { timestamp: parseTimestampFile(readInputFile(timestamp)) }),
    ...(flags.boolean('ignore-tlog') ? {} : { findEntry: (entry) => log.find(entry) }),
  });
  // cosign writes an older name of the same version.
  writeResult(context, context.compat ? json.replace(SIGSTORE_BUNDLE_V03, OLDER_NAME) : json);
}

const OLDER_NAME = 'application/vnd.dev.sigstore.bundle+json;version=0.3';

function signatureAndCertificate({ flags }: CommandContext): {
  readonly signature: CreateBundleRequest['signature'];
  readonly certificate: Certificate | PublicKey | undefined;
} {
  const older = flags.string('bundle');
  if (older !== undefined) {
    const { signature, verifier } = parseBlobBundle(readInputFile(older));
    const isCertificate = verifier?.kind === 'certificate';
    return {
      signature: { kind: 'message', signature },
      certificate:
        verifier === undefined
          ? undefined
          : isCertificate
            ? Certificate.parse(verifier.der)
            : PublicKey.fromSpki(verifier.der),
    };
  }
  const file = flags.string('certificate');
  const [certificate] = file === undefined ? [] : parseCertificateFile(readInputFile(file));
  const attestation = flags.string('attestation');
  if (attestation !== undefined) {
    return { signature: { kind: 'dsse', envelope: parseEnvelope(readInputFile(attestation)) }, certificate };
  }
  const signature = flags.string('signature');
  if (signature === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'no signature is given', {
      expected: '--signature FILE, --attestation FILE, or --bundle FILE',
    });
  }
  return { signature: { kind: 'message', signature: parseDetachedSignature(readInputFile(signature)) }, certificate };
}

async function signerOf(
  context: CommandContext,
  found: Certificate | PublicKey | undefined,
): Promise<CreateBundleRequest['signer']> {
  const key = context.flags.string('key');
  if (found instanceof Certificate) return { kind: 'certificate', certificate: found };
  if (key !== undefined) return { kind: 'key', key: await verificationKey(context, key) };
  if (found !== undefined) return { kind: 'key', key: found };
  throw new UsageError('USAGE_BAD_FLAG', 'nothing says whose signature it is', {
    expected: '--certificate FILE or --key KEY',
  });
}

function logOf({ flags, environment }: CommandContext): LogV1Client {
  const url = flags.string('rekor-url') ?? 'https://rekor.sigstore.dev';
  return new LogV1Client(new HttpClient({ proxyEnv: environment }), url);
}

function writeResult(context: CommandContext, json: string): void {
  const { flags, terminal } = context;
  const out = flags.string('out');
  if (out === undefined) terminal.result(json);
  else writeResultFile(context, out, json);
}
