import type { PublicKey } from '../../core/crypto/public-key.ts';
import { loadPublicKey } from '../../io/keys/key-loader.ts';
import { hardwareKey } from '../../io/keys/key-reference.ts';
import type { KeySources } from '../../io/keys/key-text.ts';
import { passwordSource, type PasswordSource } from '../../io/keys/password.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { CommandContext } from '../command.ts';
import { askPassword } from '../password-prompt.ts';

/** What `--key` may use of the world. */
export function keySources(
  { environment, compat }: CommandContext,
  http: HttpClient,
): KeySources & { readonly password: PasswordSource } {
  return { environment, http, allowWorldWritable: compat, password: passwordSource(environment, askPassword) };
}

/** The key that `--key` of a verifying command names. @throws as loadPublicKey */
export function verificationKey(context: CommandContext, reference: string): Promise<PublicKey> {
  return loadPublicKey(reference, keySources(context, new HttpClient({ proxyEnv: context.environment })));
}

/** @throws UsageError USAGE_BAD_FLAG, with the reason */
export function refuseHardwareKeys({ flags }: CommandContext): void {
  if (flags.boolean('sk')) throw hardwareKey('--sk');
  if (flags.string('slot') !== undefined) throw hardwareKey('--slot');
}
