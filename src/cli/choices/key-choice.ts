import type { PublicKey } from '../../core/crypto/public-key.ts';
import { loadPublicKey } from '../../io/keys/key-loader.ts';
import { hardwareKey } from '../../io/keys/key-reference.ts';
import type { KeySources } from '../../io/keys/key-text.ts';
import { passwordSource, type PasswordSource } from '../../io/keys/password.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { RemoteError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import { askPassword } from '../terminal/password-prompt.ts';

/** What `--key` may use of the world. */
export function keySources(
  { environment, compat }: CommandContext,
  http: HttpClient,
): KeySources & { readonly password: PasswordSource } {
  return { environment, http, allowWorldWritable: compat, password: passwordSource(environment, askPassword) };
}

/** The key that `--key` of a verifying command names. @throws as loadPublicKey; RemoteError REMOTE_OFFLINE */
export async function verificationKey(context: CommandContext, reference: string): Promise<PublicKey> {
  const offline = isOffline(context);
  if (offline) refuseRemoteKey(reference, `sealwright public-key --key ${reference} > key.pub, and --key key.pub`);
  return loadPublicKey(reference, keySources(context, new HttpClient({ proxyEnv: context.environment, offline })));
}

/** Clusters and key services are asked by programs and clients of their own. @throws RemoteError REMOTE_OFFLINE */
export function refuseRemoteKey(reference: string, fix: string): void {
  const [scheme] = /^[a-z][a-z0-9+.-]*(?=:\/\/)/i.exec(reference) ?? [];
  if (scheme === undefined || ['env', 'file', 'http', 'https'].includes(scheme.toLowerCase())) return;
  throw new RemoteError('REMOTE_OFFLINE', 'the key is somewhere else, and nothing may be asked', {
    found: reference,
    expected: 'a file, or env://NAME',
    fix,
  });
}

/** Whether no socket may be opened but the registry's. cosign's flag of this name forbids nothing of the sort. */
export function isOffline({ flags, compat }: CommandContext): boolean {
  return !compat && flags.isDeclared('offline') && flags.boolean('offline');
}

/** @throws UsageError USAGE_BAD_FLAG, with the reason */
export function refuseHardwareKeys({ flags }: CommandContext): void {
  if (flags.boolean('sk')) throw hardwareKey('--sk');
  if (flags.string('slot') !== undefined) throw hardwareKey('--slot');
}
