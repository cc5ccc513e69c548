import { parseBase64Url } from '../encoding/base64.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { AuthError } from '../../errors.ts';
import { claim } from './claim.ts';
import { audiencesOf, tokenPayload } from './token-rules.ts';

/** What the holder of a token can read in it. Its signature is for the certificate authority to verify. */
export interface IdentityToken {
  /** The compact JWS: a secret as long as it is valid. */
  readonly token: string;
  /** Claim `iss`. */
  readonly issuer: string;
  /** Claim `aud`: whom the token was made for. */
  readonly audiences: readonly string[];
  /** Text that the proof of possession signs: the e-mail address where there is one, else the subject (fulcio.md, cosign.md §5.4). */
  readonly proofSubject: string;
  /** Identity providers behind the issuer, as Dex names them; certificates then name these. */
  readonly federatedIssuer: string | undefined;
  /** Claim `exp`, undefined when absent or no time. */
  readonly expiresAt: Date | undefined;
  /**
   * Names that a certificate for this token may have, where the claims tell; empty for issuers whose rules are not known
   * here, and then any name that the certificate authority gives is accepted.
   */
  readonly certificateNames: readonly string[];
  /** The commit that is being built, of tokens of GitHub and GitLab; certificates then name it. */
  readonly sourceRevision: string | undefined;
}

const CODE = 'FORMAT_TOKEN';
const LIMITS = { maxBytes: 64 << 10, maxDepth: 16 };

/**
 * Reads a token that was obtained for signing, to know what to ask for and what to expect.
 *
 * @throws AuthError AUTH_TOKEN_INVALID or AUTH_CLAIM (no subject, an address that is not verified); FormatError FORMAT_TOKEN
 *   or FORMAT_BASE64; LimitError
 */
export function parseIdentityToken(token: string): IdentityToken {
  const payload = parseBase64Url(tokenPayload(token), 'the identity token');
  const claims = new JsonFields(parseJson(payload, 'the identity token', CODE, LIMITS), 'token', CODE);
  const subject = claim(claims, 'sub');
  const email = claims.optionalString('email') ?? '';
  if (email !== '' && !isVerified(claims)) {
    throw new AuthError('AUTH_CLAIM', 'the e-mail address in the identity token is not verified', {
      found: 'email without email_verified',
      expected: 'an address that the issuer has verified',
      details: { claim: 'email_verified' },
    });
  }
  const expires = claims.value('exp');
  return {
    token,
    issuer: claim(claims, 'iss'),
    audiences: audiencesOf(claims),
    proofSubject: email === '' ? subject : email,
    federatedIssuer: claims.optionalObject('federated_claims')?.optionalString('connector_id'),
    expiresAt: typeof expires === 'number' && expires >= 0 && expires < 1e12 ? new Date(expires * 1000) : undefined,
    certificateNames: email === '' ? workloadNames(claims, subject) : [email],
    sourceRevision: optionalText(claims, 'sha'),
  };
}

function optionalText(claims: JsonFields, name: string): string | undefined {
  const value = claims.value(name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Some providers send the boolean as text. */
function isVerified(claims: JsonFields): boolean {
  const verified = claims.value('email_verified');
  return verified === true || verified === 'true' || verified === 'True';
}

/** As Fulcio derives them, by the claims that only these issuers' tokens have. */
function workloadNames(claims: JsonFields, subject: string): readonly string[] {
  const text = (name: string): string => optionalText(claims, name) ?? '';
  if (text('job_workflow_ref') !== '') return [`https://github.com/${text('job_workflow_ref')}`];
  if (text('ci_config_ref_uri') !== '') return [`https://${text('ci_config_ref_uri')}`];
  if (claims.has('kubernetes.io')) {
    const kubernetes = claims.object('kubernetes.io');
    const namespace = kubernetes.optionalString('namespace') ?? '';
    const account = kubernetes.optionalObject('serviceaccount')?.optionalString('name') ?? '';
    return [`https://kubernetes.io/namespaces/${namespace}/serviceaccounts/${account}`];
  }
  if (text('organization_slug') !== '' && text('pipeline_slug') !== '') {
    return [`https://buildkite.com/${text('organization_slug')}/${text('pipeline_slug')}`];
  }
  const [project, definition] = [
    text('oidc.circleci.com/project-id'),
    text('oidc.circleci.com/pipeline-definition-id'),
  ];
  if (project !== '' && definition !== '') {
    return [`https://circleci.com/api/v2/projects/${project}/pipeline-definitions/${definition}`];
  }
  return subject.startsWith('spiffe://') ? [subject] : [];
}
