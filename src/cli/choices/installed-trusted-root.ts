import { utf8 } from '../../core/encoding/bytes.ts';
import { TRUST_CONFIG_MAP } from '../../core/installation/installation-options.ts';
import { parseTrustedRoot } from '../../core/trust/trusted-root.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import type { KeptTrust } from '../../workflows/installation/remembered-installation.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { systemNamespace } from './cluster-choice.ts';

/**
 * Text of the trusted root that the replicas are given: of the file that is named, or the one that an earlier installation believes.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE, and USAGE_INSTALLATION for one in the cluster that cannot be read; FormatError
 */
export function installedTrustedRoot(context: CommandContext, { trustedRoot }: KeptTrust): string {
  const { flags } = context;
  if (flags.isGiven('trusted-root') || trustedRoot === undefined) {
    const text = readTextFile(flags.required('trusted-root'));
    parseTrustedRoot(utf8(text));
    return text;
  }
  try {
    parseTrustedRoot(utf8(trustedRoot));
    return trustedRoot;
  } catch (cause) {
    if (!(cause instanceof SealwrightError)) throw cause;
    throw new UsageError('USAGE_INSTALLATION', 'the trusted root that the installation has cannot be read', {
      found: `ConfigMap ${systemNamespace(context)}/${TRUST_CONFIG_MAP}: ${cause.message}`,
      expected: '--trusted-root FILE, a trusted_root.json',
      cause,
    });
  }
}
