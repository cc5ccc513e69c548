import { encodeStatement, IN_TOTO_PAYLOAD_TYPE, parseStatement } from '../../core/attestation/statement.ts';
import { parseBundle } from '../../core/bundle/bundle.ts';
import type { SigningKey } from '../../core/crypto/signing-key.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson, type JsonValue } from '../../core/encoding/json.ts';
import { drillStatement, type DrillRecord } from '../../core/revocation/drill-record.ts';
import {
  signSnapshot,
  verifySnapshot,
  type SnapshotContent,
  type VerifiedSnapshot,
} from '../../core/revocation/revocation-snapshot.ts';
import {
  parseRevocationStatement,
  revocationStatement,
  type RevocationStatement,
} from '../../core/revocation/revocation-statement.ts';
import { MAX_SKEW_MS } from '../../core/revocation/snapshot-freshness.ts';
import type { StatementTrust } from '../../core/revocation/verified-statement.ts';
import { FormatError, UsageError } from '../../errors.ts';
import { envelopeCredentials } from '../sign/envelope-credentials.ts';
import { assembleBundle } from '../sign/bundle-assembly.ts';
import { obtainCredentials } from '../sign/signing-credentials.ts';
import type { SignerInput, SigningContext } from '../sign/signing-services.ts';
import { signStatement } from '../sign/statement-signature.ts';

/** A statement with the bundles of those who agree so far; what a snapshot lists. */
export interface SignedRevocation {
  readonly statement: RevocationStatement;
  /** JSON of Sigstore bundles, over the same bytes. */
  readonly bundles: readonly JsonValue[];
}

const CODE = 'FORMAT_REVOCATION';
const MAX_BUNDLES = 50;

/**
 * Signs and logs a statement, as the first who does.
 *
 * @throws what signing throws: UsageError, AuthError, RemoteError; VerificationError, FormatError for answers that are wrong
 */
export async function signRevocation(
  context: SigningContext & { readonly signer: SignerInput },
  statement: RevocationStatement,
): Promise<SignedRevocation> {
  const payload = encodeStatement(revocationStatement(statement));
  return { statement: parseRevocationStatement(parseStatement(payload)), bundles: [await sign(context, payload)] };
}

/** Signs the very bytes that the others have signed. @throws as `signRevocation` */
export async function approveRevocation(
  context: SigningContext & { readonly signer: SignerInput },
  { statement, bundles }: SignedRevocation,
): Promise<SignedRevocation> {
  return { statement, bundles: [...bundles, await sign(context, payloadOf(bundles[0]))] };
}

/** Signs and logs what a drill has found out, as whoever may revoke. @returns the bundle @throws as `signRevocation` */
export async function signDrill(
  context: SigningContext & { readonly signer: SignerInput },
  record: DrillRecord,
): Promise<JsonValue> {
  return sign(context, encodeStatement(drillStatement(record)));
}

async function sign(
  context: SigningContext & { readonly signer: SignerInput },
  payload: Uint8Array,
): Promise<JsonValue> {
  const credentials = envelopeCredentials(await obtainCredentials(context, context.signer));
  const fresh = await signStatement(credentials, payload, { kind: 'unsafeSkipArtifact' });
  const { json } = await assembleBundle(context, credentials, fresh);
  return parseJson(json, 'the bundle');
}

/**
 * A statement on its way from one member to the next. Nothing in it is verified but that it says something.
 *
 * @throws FormatError FORMAT_REVOCATION and what bundles and statements throw; LimitError
 */
export function parseSignedRevocation(text: Uint8Array | string): SignedRevocation {
  const fields = new JsonFields(parseJson(text, 'the signed revocation', CODE), 'revocation', CODE);
  const bundles = fields.only('bundles').array('bundles', MAX_BUNDLES);
  if (bundles.length === 0) {
    throw new FormatError(CODE, 'the revocation has no signature', {
      expected: 'what sealwright revoke sign has written',
    });
  }
  return { statement: parseRevocationStatement(parseStatement(payloadOf(bundles[0]))), bundles };
}

export function encodeSignedRevocation({ bundles }: SignedRevocation): string {
  return `${JSON.stringify({ bundles })}\n`;
}

function payloadOf(bundle: JsonValue | undefined): Uint8Array {
  const { content } = parseBundle(JSON.stringify(bundle ?? {}));
  if (content.kind === 'dsse' && content.envelope.payloadType === IN_TOTO_PAYLOAD_TYPE) return content.envelope.payload;
  throw new FormatError(CODE, 'what was signed is no statement', { expected: 'a signed in-toto statement' });
}

export interface PublishRequest extends StatementTrust {
  /** The snapshot that is in force; none yet when undefined. */
  readonly current: VerifiedSnapshot | undefined;
  /** What is new, in order; none to renew what there is. */
  readonly added: readonly SignedRevocation[];
  readonly key: SigningKey;
  readonly validityMs: number;
  readonly now: Date;
}

/**
 * To the second. A clock that went back a little would make the new one look older than it is; one that was far ahead when the last was
 * issued must not go on being believed: every verifier would be told until then that its own clock is behind. What was said is older than
 * the list that says it, in any case.
 */
function issueTime({ current, now }: PublishRequest): number {
  const time = Math.floor(now.getTime() / 1000) * 1000;
  const last = current?.issuedAt.getTime() ?? 0;
  if (last - time <= MAX_SKEW_MS) return Math.max(time, last);
  const said = (current?.records ?? []).map(({ statement }) => statement.issuedAt.getTime());
  return said.reduce((latest, one) => Math.max(latest, one), time);
}

/** @returns the next snapshot, verified as every reader will @throws as `verifySnapshot`; UsageError for a key that no reader knows */
export async function publishSnapshot(request: PublishRequest): Promise<{ text: string; snapshot: VerifiedSnapshot }> {
  const { current, added, key, validityMs, authority } = request;
  if (!authority.snapshotKeys.some((known) => known.equals(key.publicKey))) {
    throw new UsageError('USAGE_BAD_CONFIG', 'the key is none of the snapshot keys of this authority', {
      expected: 'the private half of one of its snapshotKeys',
    });
  }
  const now = issueTime(request);
  const content: SnapshotContent = {
    version: (current?.version ?? 0) + 1,
    issuedAt: new Date(now),
    expires: new Date(now + validityMs),
    statements: [...(current?.statements ?? []), ...added.map(({ bundles }) => bundles)],
  };
  const text = await signSnapshot(content, key);
  return { text, snapshot: verifySnapshot(text, request, current) };
}
