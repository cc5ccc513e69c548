import { withoutLogs } from '../../core/trust/older-services.ts';
import type { SigningConfig } from '../../core/trust/signing-config.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { ResolvedTrust } from '../../workflows/trust-source.ts';
import type { CommandContext } from '../command.ts';
import { refuseHardwareKeys } from './key-choice.ts';
import { NOBODY, signingConfigOf as configOf, trustFor } from './trust-choice.ts';

/**
 * Whom to trust while signing. `--use-signing-config=false` leaves cosign with services of its flags; here it means that
 * none is used, which only a key that logs nothing can do without.
 *
 * @throws UsageError USAGE_BAD_FLAG, and as `trustFor`
 */
export async function signingTrust(context: CommandContext, http: HttpClient): Promise<ResolvedTrust> {
  const { flags } = context;
  // Before anybody is asked whom to trust, for a key that will not be used.
  refuseHardwareKeys(context);
  if (flags.boolean('use-signing-config')) return trustFor(context, http);
  if (flags.isGiven('key') && !flags.boolean('tlog-upload')) return NOBODY;
  throw new UsageError('USAGE_BAD_FLAG', '--use-signing-config=false leaves no service to sign with', {
    found: flags.isGiven('key') ? 'a key whose signatures are to be logged' : 'keyless signing',
    expected: 'a signing config, or --key with --tlog-upload=false',
    fix: 'leave out --use-signing-config=false, and name the services with --signing-config',
  });
}

/** The services that the flags leave. @throws UsageError USAGE_NO_TRUST */
export function signingConfigOf({ flags }: CommandContext, trust: ResolvedTrust): SigningConfig {
  const config = configOf(trust);
  return flags.boolean('tlog-upload') ? config : withoutLogs(config);
}
