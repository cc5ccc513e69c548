import type { JsonFields } from '../encoding/json-fields.ts';
import type { FulcioExtensions } from '../pki/fulcio-extensions.ts';
import { AuthError } from '../../errors.ts';
import { claim } from './claim.ts';

/** GitHub Actions (Fulcio's `github-workflow`): every claim is mandatory. */
export function githubExtensions(claims: JsonFields): FulcioExtensions {
  const of = (name: string): string => claim(claims, name);
  const server = 'https://github.com';
  return {
    githubWorkflowTrigger: of('event_name'),
    githubWorkflowSha: of('sha'),
    githubWorkflowName: of('workflow'),
    githubWorkflowRepository: of('repository'),
    githubWorkflowRef: of('ref'),
    buildSignerUri: `${server}/${of('job_workflow_ref')}`,
    buildSignerDigest: of('job_workflow_sha'),
    runnerEnvironment: of('runner_environment'),
    sourceRepositoryUri: `${server}/${of('repository')}`,
    sourceRepositoryDigest: of('sha'),
    sourceRepositoryRef: of('ref'),
    sourceRepositoryIdentifier: of('repository_id'),
    sourceRepositoryOwnerUri: `${server}/${of('repository_owner')}`,
    sourceRepositoryOwnerIdentifier: of('repository_owner_id'),
    buildConfigUri: `${server}/${of('workflow_ref')}`,
    buildConfigDigest: of('workflow_sha'),
    buildTrigger: of('event_name'),
    runInvocationUri: `${server}/${of('repository')}/actions/runs/${of('run_id')}/attempts/${of('run_attempt')}`,
    sourceRepositoryVisibilityAtSigning: of('repository_visibility'),
  };
}

/** GitLab CI (Fulcio's `gitlab-pipeline`). */
export function gitlabExtensions(claims: JsonFields): FulcioExtensions {
  const of = (name: string): string => claim(claims, name);
  const server = 'https://gitlab.com';
  return {
    buildSignerUri: `https://${of('ci_config_ref_uri')}`,
    buildSignerDigest: of('ci_config_sha'),
    runnerEnvironment: of('runner_environment'),
    sourceRepositoryUri: `${server}/${of('project_path')}`,
    sourceRepositoryDigest: of('sha'),
    sourceRepositoryRef: gitRef(claims),
    sourceRepositoryIdentifier: of('project_id'),
    sourceRepositoryOwnerUri: `${server}/${of('namespace_path')}`,
    sourceRepositoryOwnerIdentifier: of('namespace_id'),
    buildConfigUri: `https://${of('ci_config_ref_uri')}`,
    buildConfigDigest: of('ci_config_sha'),
    buildTrigger: of('pipeline_source'),
    runInvocationUri: `${server}/${of('project_path')}/-/jobs/${of('job_id')}`,
    sourceRepositoryVisibilityAtSigning: of('project_visibility'),
  };
}

function gitRef(claims: JsonFields): string {
  const type = claim(claims, 'ref_type');
  const ref = claim(claims, 'ref');
  if (type === 'branch') return `refs/heads/${ref}`;
  if (type === 'tag') return `refs/tags/${ref}`;
  throw new AuthError('AUTH_CLAIM', 'the claim ref_type cannot be used', { found: type, expected: 'branch or tag' });
}

/**
 * CircleCI (Fulcio's `circleci-job`), whose claims have its host in front. Where the pipeline is of no version control system, the
 * claims about one are absent; every other claim is mandatory, as a hole in a URL would merge identities.
 */
export function circleciExtensions(claims: JsonFields): FulcioExtensions & { readonly buildSignerUri: string } {
  const of = (name: string): string => claim(claims, `oidc.circleci.com/${name}`);
  const optional = (name: string): string => claims.optionalString(`oidc.circleci.com/${name}`) ?? '';
  const api = 'https://circleci.com/api/v2';
  const rerun = claims.value('oidc.circleci.com/ssh-rerun');
  return {
    buildSignerUri: `${api}/projects/${of('project-id')}/pipeline-definitions/${of('pipeline-definition-id')}`,
    // The public instance's template yields two quotes for everything that is no rerun; verifiers compare with that.
    runnerEnvironment: rerun === true || rerun === 'true' ? 'ssh-rerun' : '""',
    sourceRepositoryUri: optional('vcs-origin'),
    sourceRepositoryRef: optional('vcs-ref'),
    buildConfigUri: `${api}/pipeline/${of('pipeline-id')}/config`,
    // Two slashes, as the public instance writes it.
    runInvocationUri: `https://app.circleci.com//workflow/${of('workflow-id')}/job/${of('job-id')}`,
  };
}
