import type { Revocation } from '../../core/revocation/revocation-statement.ts';
import { UsageError } from '../../errors.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import {
  approveRevocation,
  parseSignedRevocation,
  signRevocation,
  type SignedRevocation,
} from '../../workflows/revocation/revoke.ts';
import type { SignerInput, SigningContext } from '../../workflows/sign/signing-services.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { identityToken } from './identity-token.ts';
import { keySources } from './key-choice.ts';

/** Who signs the statements of a drill: members of the authority whose keys are here, or one by identity. */
export type DrillMembers = readonly [SignerInput, ...SignerInput[]];

/** @throws UsageError USAGE_FILE, USAGE_PASSWORD, USAGE_NO_TOKEN; FormatError */
export async function drillMembers(
  context: CommandContext,
  http: HttpClient,
  trust: ResolvedTrust,
): Promise<DrillMembers> {
  const keys: SignerInput[] = [];
  for (const reference of context.flags.list('key')) {
    keys.push({ kind: 'key', key: await loadSigningKey(reference, keySources(context, http)) });
  }
  const [first, ...others] = keys;
  if (first !== undefined) return [first, ...others];
  return [{ kind: 'keyless', identityToken: identityToken(context, http, trust) }];
}

/** Signed by one member after the other, each logged. @throws as `signRevocation` */
export async function signByAll(
  signing: SigningContext,
  [first, ...others]: DrillMembers,
  statement: SignedRevocation['statement'],
): Promise<SignedRevocation> {
  let signed = await signRevocation({ ...signing, signer: first }, statement);
  for (const signer of others) signed = await approveRevocation({ ...signing, signer }, signed);
  return signed;
}

/**
 * What ends the drill, signed by everybody who has to, as somebody brought it.
 *
 * @returns undefined where the members here sign it themselves
 * @throws UsageError USAGE_FILE, USAGE_BAD_FLAG; FormatError FORMAT_REVOCATION
 */
export function givenReinstatement({
  flags,
}: CommandContext):
  { readonly signed: SignedRevocation; readonly id: string; readonly reinstates: string } | undefined {
  const path = flags.string('reinstatement');
  if (path === undefined) return undefined;
  const signed = parseSignedRevocation(readTextFile(path));
  if (signed.statement.kind === 'reinstatement') {
    return { signed, id: signed.statement.id, reinstates: signed.statement.reinstates };
  }
  throw new UsageError('USAGE_BAD_FLAG', '--reinstatement is no reinstatement', {
    found: `${path}, a revocation`,
    expected: 'what ends the drill, signed by as many as the authority asks for',
    fix: `sealwright revoke sign --reinstate drill-1 --reason 'the drill is over' --out ${path}`,
  });
}

/** What the drill says of its canary. */
export function drillRevocationOf(
  { flags, now }: CommandContext,
  { id, digests }: { readonly id: string; readonly digests: readonly string[] },
): Revocation {
  return {
    kind: 'revocation',
    id,
    issuedAt: new Date(Math.floor(now().getTime() / 1000) * 1000),
    reason: flags.string('reason') ?? 'a drill of revocation',
    evidence: flags.list('evidence'),
    selector: { kind: 'digest', digests },
    severity: 'low',
    action: 'deny',
    isDrill: true,
  };
}
