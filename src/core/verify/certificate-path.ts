import { equalBytes } from '../encoding/bytes.ts';
import type { Certificate } from '../pki/certificate.ts';
import { verifyChain, type CertificateChain } from '../pki/chain.ts';
import { nameText } from '../pki/name.ts';
import type { CertificateAuthority } from '../trust/trusted-root.ts';
import { windowContains, windowText } from '../trust/validity-window.ts';
import { VerificationError } from '../../errors.ts';
import type { ToldTime } from './trusted-times.ts';

/**
 * A path from the signing certificate to a trusted authority at every one of the times, so that no single one of several
 * witnesses can bring an expired certificate back to life.
 *
 * @param times at least one
 * @returns the path at the first time
 * @throws VerificationError CERTIFICATE_TIME, CERTIFICATE_PROFILE or CERTIFICATE_UNTRUSTED
 */
export function verifyCertificatePath(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  authorities: readonly CertificateAuthority[],
  times: readonly ToldTime[],
): CertificateChain {
  const paths = times.map((time) => {
    checkLeafValidity(leaf, time);
    return pathAt(leaf, intermediates, authorities, time);
  });
  const [first] = paths;
  if (first === undefined) throw untrusted(leaf, authorities);
  return first;
}

/** @throws VerificationError CERTIFICATE_TIME, with both times */
export function checkLeafValidity(leaf: Certificate, { time, source, authority }: ToldTime): void {
  if (leaf.isValidAt(time)) return;
  const event = {
    log: `the log ${authority} recorded the signature at`,
    tsa: `the timestamp authority ${authority} signed at`,
    clock: 'it is now',
  }[source];
  throw new VerificationError(
    'CERTIFICATE_TIME',
    `certificate was valid from ${leaf.notBefore.toISOString()} to ${leaf.notAfter.toISOString()}, but ${event} ${time.toISOString()}`,
    {
      found: time.toISOString(),
      expected: `a time from ${leaf.notBefore.toISOString()} to ${leaf.notAfter.toISOString()}`,
      fix: 'sign again, or supply a trusted timestamp from within that window',
      details: {
        notBefore: leaf.notBefore.toISOString(),
        notAfter: leaf.notAfter.toISOString(),
        at: time.toISOString(),
        source,
      },
    },
  );
}

function pathAt(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  authorities: readonly CertificateAuthority[],
  { time }: ToldTime,
): CertificateChain {
  let failure: VerificationError | undefined;
  for (const authority of authorities) {
    if (!windowContains(authority.validFor, time)) {
      failure ??= windowFailure(leaf, authority, time);
      continue;
    }
    try {
      const { chain } = authority;
      return verifyChain({
        leaf,
        intermediates: [...chain.slice(0, -1), ...intermediates],
        anchors: chain.slice(-1),
        at: time,
        purpose: 'codeSigning',
      });
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      // Having no path to one authority is the ordinary case of there being several.
      if (error.code !== 'CERTIFICATE_UNTRUSTED') failure = error;
    }
  }
  throw failure ?? untrusted(leaf, authorities);
}

/** Only for the authority that the certificate names; every other one is simply not its issuer. */
function windowFailure(leaf: Certificate, authority: CertificateAuthority, time: Date): VerificationError | undefined {
  if (!authority.chain.some(({ subject }) => equalBytes(subject.raw, leaf.issuer.raw))) return undefined;
  return new VerificationError(
    'CERTIFICATE_TIME',
    "the certificate's authority was not trusted at the time of signing",
    {
      found: `${nameText(leaf.issuer)} at ${time.toISOString()}`,
      expected: `a time from ${windowText(authority.validFor)}`,
    },
  );
}

function untrusted(leaf: Certificate, authorities: readonly CertificateAuthority[]): VerificationError {
  const anchors = authorities.map(({ chain, uri }) => {
    const anchor = chain[chain.length - 1];
    return anchor === undefined ? uri : `${nameText(anchor.subject)} (${uri})`;
  });
  return new VerificationError('CERTIFICATE_UNTRUSTED', 'the certificate was not issued by a trusted authority', {
    found: `issued by ${nameText(leaf.issuer)}`,
    expected: `a path to ${anchors.join(', ')}`,
  });
}
