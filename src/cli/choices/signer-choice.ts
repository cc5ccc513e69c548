import type { PublicKey } from '../../core/crypto/public-key.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { SignerInput } from '../../workflows/signing-services.ts';
import type { ResolvedTrust } from '../../workflows/trust-source.ts';
import type { CommandContext } from '../command.ts';
import { identityToken } from './identity-token.ts';
import { keySources, refuseHardwareKeys } from './key-choice.ts';

/** A signer, and its public key when it is a key pair. */
export interface ChosenSigner {
  readonly signer: SignerInput;
  readonly key: { readonly publicKey: PublicKey; readonly reference: string } | undefined;
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
  if (reference === undefined) {
    return {
      signer: { kind: 'keyless', identityToken: identityToken(context, http, trust) },
      key: undefined,
    };
  }
  const key = await loadSigningKey(reference, keySources(context, http));
  return { signer: { kind: 'key', key }, key: { publicKey: key.publicKey, reference } };
}
