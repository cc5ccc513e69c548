import { parseCertificateFile } from '../../core/bundle/detached-signature.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { UsageError } from '../../errors.ts';
import type { OwnCertificate } from '../../workflows/sign/signing-services.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readInputFile, readTextFile } from '../terminal/input-file.ts';

/**
 * `--certificate`, with `--certificate-chain` if there is one.
 *
 * @throws UsageError USAGE_BAD_FLAG for flags that would be ignored, USAGE_FILE; FormatError FORMAT_CERTIFICATE or FORMAT_PEM
 */
export function ownCertificate(context: CommandContext): OwnCertificate | undefined {
  const { flags } = context;
  const path = flags.string('certificate');
  const given = ['certificate', 'certificate-chain'].find((name) => flags.string(name) !== undefined);
  if (given === undefined) return undefined;
  if (flags.string('key') === undefined || flags.boolean('issue-certificate')) {
    throw new UsageError('USAGE_BAD_FLAG', `--${given} is for a key of one's own`, {
      found: flags.boolean('issue-certificate') ? '--issue-certificate' : 'no --key',
      expected: '--key with --certificate; a fresh key gets a certificate of its own',
    });
  }
  if (path === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', '--certificate-chain is for a certificate that is given', {
      found: 'no --certificate',
      expected: '--certificate FILE as well',
      details: { cosign: 'no leaf certificate found or provided while specifying chain' },
    });
  }
  const [certificate] = parseCertificateFile(readInputFile(path));
  if (certificate === undefined) {
    throw new UsageError('USAGE_FILE', `${path} holds no certificate`, { expected: 'a certificate in PEM or DER' });
  }
  return { certificate, chain: certificateChain(context) };
}

/** `--certificate-chain`, empty when there is none. @throws UsageError USAGE_FILE; FormatError */
export function certificateChain({ flags }: CommandContext): readonly Certificate[] {
  const path = flags.string('certificate-chain');
  return path === undefined ? [] : Certificate.allFromPem(readTextFile(path));
}
