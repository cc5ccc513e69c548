import type { KeylessIdentity } from '../../core/policy/conversion/key-migration.ts';
import { parseIdentityToken } from '../../core/identity/identity-token.ts';
import { parseReference } from '../../core/image/reference.ts';
import { AuthError, VerificationError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { signImages, type ImageOutcome } from '../../workflows/sign/sign-images.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { MigratedImage } from '../report/keys-report.ts';
import { imagesOf, lostPlaces, type JudgedKeys } from './keys-judgement.ts';
import { identityToken } from './identity-token.ts';
import { registryClient, signatureRepository } from './registry-choice.ts';
import { signingConfigOf, trustFor } from './trust-choice.ts';

/**
 * Signs by the identity what rests on a key alone, with one login; where nothing does, nobody is asked to log in. Only what the key has signed,
 * by a verification of this very run: what is revoked, or was attested alone, is left.
 *
 * @throws UsageError USAGE_NO_TRUST where nothing says which services to sign with; what its parts throw
 */
export async function signResting(given: CommandContext, judged: JudgedKeys): Promise<readonly MigratedImage[]> {
  const { before, after, signedByKey, identity } = judged;
  const images = imagesOf(lostPlaces(before, after));
  const [signable, left] = [
    images.filter((image) => signedByKey.has(image)),
    images.filter((image) => !signedByKey.has(image)),
  ];
  const signed = signable.length === 0 ? [] : await signAll({ ...given, compat: false }, signable, identity);
  return [...signed, ...left.map(attestedOnly)];
}

async function signAll(
  context: CommandContext,
  images: readonly string[],
  identity: KeylessIdentity,
): Promise<readonly MigratedImage[]> {
  const { environment, now } = context;
  const http = new HttpClient({ proxyEnv: environment });
  try {
    const trust = await trustFor(context, http);
    const signingConfig = signingConfigOf(trust);
    const token = identityToken(context, http, trust);
    const repository = signatureRepository(context);
    const outcomes = await signImages({
      http,
      registry: registryClient(context, 'push'),
      signer: { kind: 'keyless', identityToken: async () => checkedToken(await token(), identity) },
      signingConfig,
      trustedRoot: trust.trustedRoot,
      now,
      references: images.map(parseReference),
      skipIfSigned: true,
      ...(repository === undefined ? {} : { signatureRepository: repository }),
    });
    return outcomes.map((outcome) => ({ image: outcome.reference.toString(), ...resultOf(outcome) }));
  } finally {
    http.close();
  }
}

function resultOf(outcome: ImageOutcome): Omit<MigratedImage, 'image'> {
  if (outcome.kind === 'failed') return { outcome: 'failed', error: outcome.error };
  return { outcome: outcome.images.some(({ isNew }) => isNew) ? 'signed' : 'signed before' };
}

/** Whoever is logged in by chance must not sign everything that runs: nothing takes a signature out of a log again. */
function checkedToken(token: string, { subject, issuer }: KeylessIdentity): string {
  const { certificateNames, issuer: own, federatedIssuer } = parseIdentityToken(token);
  const issuers = [own, ...(federatedIssuer === undefined ? [] : [federatedIssuer])];
  if (issuers.includes(issuer) && (certificateNames.length === 0 || certificateNames.includes(subject))) return token;
  throw new AuthError('AUTH_CLAIM', 'the login is not that of the identity that shall sign', {
    found: `${certificateNames.join(', ')}, authenticated by ${issuers.join(', ')}`,
    expected: `${subject}, authenticated by ${issuer}`,
    fix: 'log in as that identity: --identity-token FILE',
  });
}

function attestedOnly(image: string): MigratedImage {
  const error = new VerificationError('KEY_MISMATCH', 'the key has attested the image, and not signed it', {
    found: `${image}: attestations by the key alone`,
    expected: 'a signature by the key, to be put in its place',
    fix: 'sealwright attest --keyless --help',
  });
  return { image, outcome: 'failed', error };
}
