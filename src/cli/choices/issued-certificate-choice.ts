import type { CertManagerChoice } from '../../core/installation/installation-options.ts';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';

const NAME = /^(?=.{1,253}$)[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;

/** Whether cert-manager renews the certificate, and who signs it. @throws UsageError USAGE_BAD_FLAG */
export function certManagerChoice({ flags }: CommandContext): { readonly certManager?: CertManagerChoice } {
  const text = flags.string('issuer');
  if (!flags.boolean('cert-manager')) {
    if (text === undefined) return {};
    throw new UsageError('USAGE_BAD_FLAG', '--issuer is one of cert-manager', { expected: '--cert-manager as well' });
  }
  if (text === undefined) return { certManager: {} };
  const [kind, name = '', ...more] = text.split('/');
  if ((kind !== 'Issuer' && kind !== 'ClusterIssuer') || !NAME.test(name) || more.length > 0) {
    throw new UsageError('USAGE_BAD_FLAG', '--issuer names no issuer of cert-manager', {
      found: text.slice(0, 200),
      expected: 'Issuer/NAME or ClusterIssuer/NAME',
    });
  }
  return { certManager: { issuer: { kind, name } } };
}
