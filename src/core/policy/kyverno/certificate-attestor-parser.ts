import { parseBase64 } from '../../encoding/base64.ts';
import { parsePem } from '../../encoding/pem.ts';
import { parseUtf8 } from '../../encoding/utf8.ts';
import { Certificate } from '../../pki/certificate.ts';
import { verifyChain } from '../../pki/chain.ts';
import { VerificationError } from '../../../errors.ts';
import type { KeyHash } from '../cluster-image/cluster-image-policy.ts';
import type { Attestor, KeyAttestor } from './attestor.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';
import { parseChain } from './log-demand-parser.ts';

/** Both in PEM, either empty. */
export interface CertificateTexts {
  readonly cert: string;
  readonly certChain: string;
}

type Common = Omit<KeyAttestor, 'kind' | 'key' | 'hash'>;

/**
 * `cert` means its key, believed for ever; a chain beside it has to be valid when the policy is loaded, for the moment that
 * the certificate begins at, as cosign does. A chain alone holds the roots of the signers' certificates.
 */
export function parseCertificates(
  fields: CertificateTexts,
  hash: KeyHash,
  common: Common,
  problems: KyvernoProblems,
): readonly Attestor[] {
  const { path } = common;
  const { cert, certChain: chainText } = fields;
  if (cert.includes('{{') || chainText.includes('{{')) {
    problems.unsupported(path, 'variables are not filled in');
    return [];
  }
  const chain = chainText === '' ? [] : parseChain(chainText, `${path}.certChain`, problems);
  if (cert === '') {
    if (chainText === '') problems.invalid(path, 'cert or certChain required');
    return chain.length === 0 ? [] : [{ kind: 'certificate', ...common, roots: chain }];
  }
  const leaf = problems.usable(`${path}.cert`, () => parseCertificate(cert, `${path}.cert`));
  if (leaf === undefined) return [];
  if (chain.length > 0) checkChain(leaf, chain, path, problems);
  return [{ kind: 'key', ...common, key: { kind: 'data', key: leaf.publicKey }, hash }];
}

/** In PEM, which may be in base64 once more. */
function parseCertificate(text: string, what: string): Certificate {
  const pem = text.includes('-----BEGIN')
    ? text
    : parseUtf8(parseBase64(text.replace(/\s/g, ''), what), 'FORMAT_PEM', what);
  const [first] = parsePem(pem, what);
  return Certificate.parse(first?.der ?? new Uint8Array(0));
}

function checkChain(leaf: Certificate, chain: readonly Certificate[], path: string, problems: KyvernoProblems): void {
  try {
    const anchors = chain.slice(-1);
    verifyChain({ leaf, intermediates: chain.slice(0, -1), anchors, at: leaf.notBefore, purpose: 'codeSigning' });
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    problems.invalid(path, `the certificate does not lead to its chain: ${error.message}`);
  }
}
