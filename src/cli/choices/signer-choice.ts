import { PrivateKey } from '../../core/crypto/private-key.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { parseSigningAlgorithm, type SigningAlgorithm } from '../../core/crypto/signing-algorithm.ts';
import type { SigningKey } from '../../core/crypto/signing-key.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import type { VerifiedSigner } from '../../core/verify/verified-bundle.ts';
import { UsageError } from '../../errors.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { SignerInput } from '../../workflows/sign/signing-services.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { identityToken } from './identity-token.ts';
import { keySources, refuseHardwareKeys } from './key-choice.ts';
import { ownCertificate } from './own-certificate.ts';

/** A signer, and its public key when it is a key pair. */
export interface ChosenSigner {
  readonly signer: SignerInput;
  readonly key:
    | {
        readonly publicKey: PublicKey;
        readonly reference: string;
        /** Of one's own, whoever believes it. */
        readonly certificate?: Certificate;
      }
    | undefined;
}

/** What `--output-certificate` is about; undefined for a key pair without a certificate. */
export function certificateOf(signer: VerifiedSigner, key: ChosenSigner['key']): Certificate | undefined {
  return signer.kind === 'certificate' ? signer.certificate : key?.certificate;
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_FILE, USAGE_PASSWORD, USAGE_NO_TOKEN; NotFoundError; RemoteError; FormatError; LimitError */
export async function chosenSigner(
  context: CommandContext,
  http: HttpClient,
  trust: ResolvedTrust,
): Promise<ChosenSigner> {
  const { flags } = context;
  refuseHardwareKeys(context);
  flags.exclude('key', 'keyless');
  const reference = flags.string('key');
  const name = flags.string('signing-algorithm');
  const algorithm = name === undefined ? undefined : parseSigningAlgorithm(name);
  const certificate = ownCertificate(context);
  if (reference === undefined) {
    const token = identityToken(context, http, trust);
    return { signer: { kind: 'keyless', identityToken: token, ...freshKey(algorithm) }, key: undefined };
  }
  const key = await loadSigningKey(reference, keySources(context, http));
  if (flags.boolean('issue-certificate')) {
    const token = identityToken(context, http, trust);
    return { signer: { kind: 'keyless', identityToken: token, generateKey: () => key }, key: undefined };
  }
  const signer: SignerInput = {
    kind: 'key',
    key,
    ...schemeOf(key, algorithm),
    ...(certificate === undefined ? {} : { certificate }),
  };
  const own = certificate === undefined ? {} : { certificate: certificate.certificate };
  return { signer, key: { publicKey: key.publicKey, reference, ...own } };
}

function freshKey(algorithm: SigningAlgorithm | undefined): { generateKey?: () => PrivateKey } {
  if (algorithm === undefined) return {};
  const { kind, bits, scheme } = algorithm;
  if (!scheme.startsWith('rsa-pss')) return { generateKey: () => PrivateKey.generate(kind, bits) };
  throw new UsageError('USAGE_BAD_FLAG', 'certificate authorities certify keys that sign with PKCS#1 v1.5', {
    found: 'RSA-PSS for a fresh key',
    expected: 'RSA-PSS with --key only',
  });
}

function schemeOf(key: SigningKey, algorithm: SigningAlgorithm | undefined): Pick<SigningAlgorithm, 'scheme'> | object {
  if (algorithm === undefined) return {};
  const { kind, bits, scheme } = algorithm;
  if (kind === key.kind && (bits ?? key.publicKey.bits) === key.publicKey.bits) return { scheme };
  throw new UsageError('USAGE_BAD_FLAG', '--signing-algorithm is not one of this key', {
    found: `a key of ${key.kind}, ${key.publicKey.bits} bits`,
    expected: `${kind}${bits === undefined ? '' : ` of ${bits} bits`}`,
  });
}
