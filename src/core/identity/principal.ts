import type { JsonFields } from '../encoding/json-fields.ts';
import type { FulcioExtensions } from '../pki/fulcio-extensions.ts';
import type { SubjectAltName } from '../pki/general-name.ts';
import { AuthError } from '../../errors.ts';
import { circleciExtensions, githubExtensions, gitlabExtensions } from './ci-claims.ts';
import { claim } from './claim.ts';
import { isEmailAddress } from './email-address.ts';
import { TRUST_DOMAIN, type IssuerConfig } from './issuer-config.ts';

/** Who a verified token speaks for. */
export interface Principal {
  /** The text that a proof of possession signs, bare (Fulcio: the e-mail address, else the subject). */
  readonly name: string;
  readonly subjectAltName: SubjectAltName;
  readonly extensions: FulcioExtensions;
}

/**
 * @param claims of a token whose signature, issuer, audience and times have been verified
 * @throws AuthError AUTH_CLAIM when a claim that the issuer's type needs is missing or unusable
 */
export function principalFromClaims(config: IssuerConfig, claims: JsonFields): Principal {
  const subject = claim(claims, 'sub');
  const extensions: FulcioExtensions = { issuer: config.issuerUrl, tokenSubject: subject };
  const uri = (value: string, more: FulcioExtensions = {}): Principal => ({
    name: subject,
    subjectAltName: { kind: 'uri', value: checkedUri(value) },
    extensions: { ...extensions, ...more },
  });
  switch (config.type) {
    case 'email': {
      const email = verifiedEmail(config, claims);
      return { name: email, subjectAltName: { kind: 'email', value: email }, extensions };
    }
    case 'uri':
      return uri(withinDomain(subject, config.subjectDomain ?? ''));
    case 'spiffe':
      return uri(spiffeId(subject, config.spiffeTrustDomain ?? ''));
    case 'kubernetes':
      return uri(serviceAccountUri(claims));
    case 'github-workflow':
      return uri(`https://github.com/${claim(claims, 'job_workflow_ref')}`, githubExtensions(claims));
    case 'gitlab-pipeline':
      return uri(`https://${claim(claims, 'ci_config_ref_uri')}`, gitlabExtensions(claims));
    case 'buildkite-job':
      return uri(`https://buildkite.com/${claim(claims, 'organization_slug')}/${claim(claims, 'pipeline_slug')}`);
    case 'circleci-job': {
      const more = circleciExtensions(claims);
      return uri(more.buildSignerUri, more);
    }
  }
}

function verifiedEmail(config: IssuerConfig, claims: JsonFields): string {
  const email = claim(claims, 'email');
  const verified = claims.value('email_verified');
  // Some providers send the boolean as text.
  if (config.skipEmailVerification !== true && verified !== true && verified !== 'true' && verified !== 'True') {
    throw unusable('email_verified', 'not true', 'an address that the issuer has verified');
  }
  if (!isEmailAddress(email)) throw unusable('email', email, 'an e-mail address in ASCII');
  return email;
}

function withinDomain(subject: string, domain: string): string {
  const [found, wanted] = [URL.parse(subject), URL.parse(domain)];
  if (found === null || found.protocol !== wanted?.protocol || found.hostname !== wanted.hostname) {
    throw unusable('sub', subject, `a URI under ${domain}`);
  }
  return subject;
}

const SPIFFE = /^spiffe:\/\/([^/]+)((?:\/[A-Za-z0-9._-]+)+)$/;

function spiffeId(subject: string, trustDomain: string): string {
  const [, domain = '', path = ''] = SPIFFE.exec(subject) ?? [];
  const dotted = path.split('/').some((segment) => segment === '.' || segment === '..');
  if (!TRUST_DOMAIN.test(domain) || domain !== trustDomain || dotted) {
    throw unusable('sub', subject, `a SPIFFE ID of the trust domain ${trustDomain}`);
  }
  return subject;
}

function serviceAccountUri(claims: JsonFields): string {
  const kubernetes = claims.optionalObject('kubernetes.io');
  const namespace = kubernetes?.optionalString('namespace') ?? '';
  const account = kubernetes?.optionalObject('serviceaccount')?.optionalString('name') ?? '';
  // The original accepts empty values, which would merge identities.
  if (namespace === '' || account === '')
    throw unusable('kubernetes.io', 'incomplete', 'a namespace and a service account');
  return `https://kubernetes.io/namespaces/${namespace}/serviceaccounts/${account}`;
}

/** What Go's URL parse and print does, which other clients compare with: escapes, but never normalises a path. */
function checkedUri(value: string): string {
  if (!value.isWellFormed()) throw unusable('sub', 'a lone surrogate', 'claims that make a URI');
  const escaped = value.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  if (URL.parse(escaped) === null) throw unusable('sub', value, 'claims that make a URI');
  return escaped;
}

function unusable(name: string, found: string, expected: string): AuthError {
  return new AuthError('AUTH_CLAIM', `the claim ${name} cannot be used`, { found, expected, details: { claim: name } });
}
