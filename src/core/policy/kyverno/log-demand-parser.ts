import { equalBytes } from '../../encoding/bytes.ts';
import { PublicKey } from '../../crypto/public-key.ts';
import type { JsonFields } from '../../encoding/json-fields.ts';
import { parsePem } from '../../encoding/pem.ts';
import { Certificate } from '../../pki/certificate.ts';
import type { LogDemand } from './attestor.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';

const PUBLIC_LOG = 'https://rekor.sigstore.dev';
/** Kyverno's own limits against chains that are costly to build. */
const MAX_CHAIN = 11;
const MAX_TIMESTAMP_CHAIN = 12;

/**
 * `rekor` and `ctlog` of an attestor. A log's URL says no more than which log its key is of: proofs come with the signature.
 */
export function parseLogDemand(attestor: JsonFields, path: string, problems: KyvernoProblems): LogDemand {
  const rekor = attestor.optionalObject('rekor')?.only('url', 'pubkey', 'ignoreTlog');
  const ctlog = attestor.optionalObject('ctlog')?.only('ignoreSCT', 'pubkey', 'tsaCertChain');
  const url = rekor?.optionalString('url') ?? '';
  const logKey = parseKey(rekor, `${path}.rekor.pubkey`, problems);
  const ctLogKey = parseKey(ctlog, `${path}.ctlog.pubkey`, problems);
  const chainText = ctlog?.optionalString('tsaCertChain') ?? '';
  const chain =
    chainText === '' ? undefined : parseChain(chainText, `${path}.ctlog.tsaCertChain`, problems, MAX_TIMESTAMP_CHAIN);
  return {
    ignoresLog: rekor?.optionalBoolean('ignoreTlog') ?? false,
    ignoresSct: ctlog?.optionalBoolean('ignoreSCT') ?? false,
    ...(logKey === undefined ? {} : { logKey: { url: url === '' ? PUBLIC_LOG : url, key: logKey } }),
    ...(ctLogKey === undefined ? {} : { ctLogKey }),
    ...(chain === undefined || chain.length === 0 ? {} : { timestampChain: rootLast(chain) }),
  };
}

function parseKey(fields: JsonFields | undefined, path: string, problems: KyvernoProblems): PublicKey | undefined {
  const text = fields?.optionalString('pubkey') ?? '';
  return text === '' ? undefined : problems.usable(path, () => PublicKey.fromPem(text));
}

/** Certificates in PEM, in their order. */
export function parseChain(
  text: string,
  path: string,
  problems: KyvernoProblems,
  maxLength = MAX_CHAIN,
): readonly Certificate[] {
  const chain = problems.usable(path, () => parsePem(text, path).map(({ der }) => Certificate.parse(der))) ?? [];
  if (chain.length <= maxLength) return chain;
  problems.invalid(path, `certificate chain too long (${chain.length}), maximum allowed is ${maxLength}`);
  return [];
}

/** Each issued by the next: people write chains in either direction. */
export function rootLast(chain: readonly Certificate[]): readonly Certificate[] {
  const [first] = chain;
  const isRoot = first !== undefined && equalBytes(first.subject.raw, first.issuer.raw);
  return isRoot && chain.length > 1 ? [...chain].reverse() : chain;
}
