import { FULCIO_EXTENSION_NAMES, type FulcioExtensionName } from '../pki/fulcio-extensions.ts';
import { UsageError } from '../../errors.ts';

/** What a certificate has to say: an extension, and its exact text. */
export interface ClaimCondition {
  readonly extension: FulcioExtensionName;
  readonly value: string;
}

interface CiClaim {
  readonly extension: FulcioExtensionName;
  /** What Fulcio puts before the claim's value; the issuer's URL is that of the GitLab itself. */
  readonly before?: 'https://' | 'https://github.com/' | 'issuer';
}

/** The claims in the tokens of GitHub and GitLab, by their own names, and where Fulcio puts them (its config/identity/config.yaml). */
const CI_CLAIMS: Readonly<Record<string, CiClaim>> = {
  // Both
  sha: { extension: 'sourceRepositoryDigest' },
  ref: { extension: 'sourceRepositoryRef' },
  // GitHub Actions
  repository: { extension: 'githubWorkflowRepository' },
  repository_id: { extension: 'sourceRepositoryIdentifier' },
  repository_owner: { extension: 'sourceRepositoryOwnerUri', before: 'https://github.com/' },
  repository_owner_id: { extension: 'sourceRepositoryOwnerIdentifier' },
  repository_visibility: { extension: 'sourceRepositoryVisibilityAtSigning' },
  workflow: { extension: 'githubWorkflowName' },
  workflow_ref: { extension: 'buildConfigUri', before: 'https://github.com/' },
  workflow_sha: { extension: 'buildConfigDigest' },
  job_workflow_ref: { extension: 'buildSignerUri', before: 'https://github.com/' },
  job_workflow_sha: { extension: 'buildSignerDigest' },
  event_name: { extension: 'buildTrigger' },
  // GitLab
  project_path: { extension: 'sourceRepositoryUri', before: 'issuer' },
  project_id: { extension: 'sourceRepositoryIdentifier' },
  project_visibility: { extension: 'sourceRepositoryVisibilityAtSigning' },
  namespace_path: { extension: 'sourceRepositoryOwnerUri', before: 'issuer' },
  namespace_id: { extension: 'sourceRepositoryOwnerIdentifier' },
  ci_config_ref_uri: { extension: 'buildConfigUri', before: 'https://' },
  ci_config_sha: { extension: 'buildConfigDigest' },
  pipeline_source: { extension: 'buildTrigger' },
};

/** Every name there is, with dashes between its words. */
export const CLAIM_NAMES: readonly string[] = [
  ...FULCIO_EXTENSION_NAMES.map(dashed),
  ...Object.keys(CI_CLAIMS).map(dashed),
];

/**
 * What a claim stands for in a certificate. The name is that of Fulcio's extension, or what GitHub and GitLab call the claim in
 * their tokens; case, and what is between its words, do not matter.
 *
 * @param issuer the URL that the issuer must have; undefined when only a pattern is known
 * @returns undefined for a name that is none
 * @throws UsageError USAGE_BAD_FLAG for a value that no certificate could have
 */
export function claimCondition(name: string, value: string, issuer: string | undefined): ClaimCondition | undefined {
  const plain = plainName(name);
  const extension = FULCIO_EXTENSION_NAMES.find((candidate) => plainName(candidate) === plain);
  if (extension !== undefined) return checked({ extension, value }, name);
  const found = Object.entries(CI_CLAIMS).find(([candidate]) => plainName(candidate) === plain);
  if (found === undefined) return undefined;
  const { before, extension: known } = found[1];
  if (before !== 'issuer') return checked({ extension: known, value: `${before ?? ''}${value}` }, name);
  if (issuer !== undefined) return { extension: known, value: `${issuer}/${value}` };
  throw new UsageError('USAGE_BAD_FLAG', `the claim ${name} needs to know at which GitLab`, {
    found: 'a pattern for the issuer',
    expected: `the issuer's URL, or ${dashed(known)} with the whole URL`,
  });
}

/** GitLab's tokens say `main`; certificates say `refs/heads/main` for either system. */
function checked(condition: ClaimCondition, name: string): ClaimCondition {
  if (condition.extension !== 'sourceRepositoryRef' || /^refs\/./.test(condition.value)) return condition;
  throw new UsageError('USAGE_BAD_FLAG', `no certificate has such a ${name}`, {
    found: condition.value,
    expected: `refs/heads/${condition.value} for a branch, refs/tags/${condition.value} for a tag`,
  });
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll('_', '-');
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '');
}
