import { hashOf, schemesFor, type SignatureScheme } from '../../core/crypto/signature.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { UsageError } from '../../errors.ts';
import type { VerificationSwitches } from '../../workflows/verify/signature-policy.ts';
import type { CommandContext } from '../grammar/command.ts';

/** How well a signature must be witnessed, by the flags that the command has. */
export function verificationSwitches({ flags }: CommandContext): VerificationSwitches {
  const isOn = (name: string): boolean => flags.isDeclared(name) && flags.boolean(name);
  const isNamed = (name: string): boolean => flags.isDeclared(name) && flags.string(name) !== undefined;
  return {
    insecureIgnoreTlog: isOn('insecure-ignore-tlog') || isOn('private-infrastructure'),
    insecureIgnoreSct: isOn('insecure-ignore-sct'),
    useSignedTimestamps: isOn('use-signed-timestamps') || isNamed('timestamp-certificate-chain'),
  };
}

/**
 * The schemes of a key that `--signature-digest-algorithm` leaves; undefined when nothing was said of it.
 *
 * @throws UsageError USAGE_BAD_FLAG for a digest that no signature of such a key is over
 */
export function demandedSchemes({ flags }: CommandContext, key: PublicKey): readonly SignatureScheme[] | undefined {
  const name = flags.isDeclared('signature-digest-algorithm') ? flags.string('signature-digest-algorithm') : undefined;
  if (name === undefined) return undefined;
  const schemes = schemesFor(key.kind).filter((scheme) => hashOf(scheme) === name);
  if (schemes.length > 0) return schemes;
  throw new UsageError('USAGE_BAD_FLAG', '--signature-digest-algorithm is not one of this key', {
    found: `${name} with a key of ${key.kind}`,
    expected: 'nothing: what the key signs a digest of is known',
    fix: 'leave out --signature-digest-algorithm',
  });
}

/** `--max-workers`. @throws UsageError USAGE_BAD_FLAG */
export function maxWorkers({ flags }: CommandContext): { readonly parallel?: number } {
  const parallel = flags.integer('max-workers', 1, 1000);
  return parallel === undefined ? {} : { parallel };
}
