import { equalBytes } from '../../core/encoding/bytes.ts';
import { parseCertificateFile } from '../../core/bundle/detached-signature.ts';
import { parseSctResponse } from '../../core/pki/sct-response.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { CertificateMaterial } from '../../workflows/completed-signatures.ts';
import type { CommandContext } from '../command.ts';
import { readInputFile } from '../input-file.ts';
import { fileOrUrl } from './input-source.ts';

/**
 * The certificate that `--certificate` names, with the SCT of `--sct`.
 *
 * @throws UsageError USAGE_BAD_FLAG for an SCT of nothing or a certificate beside a key, USAGE_FILE; FormatError; RemoteError
 */
export async function givenCertificate(
  { flags }: CommandContext,
  http: HttpClient,
): Promise<CertificateMaterial | undefined> {
  flags.exclude('certificate', 'key');
  const [file, sct] = [flags.string('certificate'), flags.string('sct')];
  const [certificate, ...others] = file === undefined ? [] : parseCertificateFile(await fileOrUrl(file, http));
  if (certificate === undefined) {
    if (sct === undefined) return undefined;
    throw new UsageError('USAGE_BAD_FLAG', '--sct needs the certificate that it is for', {
      expected: '--certificate FILE',
    });
  }
  return {
    kind: 'certificate',
    certificate,
    // A root that travels with what it should prove makes nobody believe it.
    intermediates: others.filter(({ subject, issuer }) => !equalBytes(subject.raw, issuer.raw)),
    ...(sct === undefined ? {} : { scts: [parseSctResponse(readInputFile(sct))] }),
  };
}
