import { equalBytes } from '../../core/encoding/bytes.ts';
import { parseCertificateFile } from '../../core/bundle/detached-signature.ts';
import { matchIdentity } from '../../core/identity/identity-pattern.ts';
import { readFulcioExtensions } from '../../core/pki/fulcio-extensions.ts';
import { parseSctResponse } from '../../core/pki/sct-response.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { verifyCertificatePath } from '../../core/verify/certificate-path.ts';
import { verifyScts } from '../../core/verify/certificate-transparency.ts';
import { UsageError, VerificationError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { CertificateMaterial } from '../../workflows/verify/completed-signatures.ts';
import { policiesOf, type SignaturePolicy } from '../../workflows/verify/signature-policy.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readInputFile } from '../terminal/input-file.ts';
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

/**
 * As cosign, which looks at a certificate that is given before it looks for signatures: it has to lead to an authority, name the
 * demanded identity, and have been logged.
 *
 * @throws VerificationError CERTIFICATE_*, IDENTITY_MISMATCH, SCT_*
 */
export function checkGivenCertificate(
  { certificate, scts }: CertificateMaterial,
  { certificateAuthorities, ctlogs }: TrustedRoot,
  policy: SignaturePolicy,
): void {
  const start = { source: 'clock', time: certificate.notBefore, authority: 'the certificate' } as const;
  try {
    const [, issuer = certificate] = verifyCertificatePath(certificate, [], certificateAuthorities, [start]);
    const extensions = readFulcioExtensions(certificate);
    const names = {
      subjects: certificate.subjectAltNames.map(({ value }) => value),
      issuer: extensions.issuer,
      extensions,
    };
    for (const { signer, thresholds } of policiesOf(policy)) {
      if (signer.kind === 'identities') matchIdentity(signer.identities, names);
      const { scts: threshold = 1 } = thresholds;
      if (threshold > 0) verifyScts(certificate, issuer, ctlogs, threshold, scts);
    }
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    const { code, message, facts } = error;
    const cosign = `loading verifier from key opts: validating cert: ${message}`;
    throw new VerificationError(code, message, { ...facts, details: { ...facts.details, cosign } });
  }
}
