/**
 * A subject that names the workflow which signed, as Fulcio makes it for GitHub Actions
 * (`https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@REF`) and GitLab (`https://gitlab.com/GROUP/PROJECT//FILE@REF`).
 */
export interface WorkflowIdentity {
  readonly host: string;
  /** GitHub's owner, GitLab's group with its subgroups. */
  readonly owner: string;
  readonly repository: string;
  /** The workflow's file, with its path. */
  readonly workflow: string;
  readonly ref: string;
  readonly isGitlab: boolean;
}

const GITHUB = /^https:\/\/([^/@?#]+)\/([^/@?#]+)\/([^/@?#]+)\/(\.github\/workflows\/[^@?#]+)@(.+)$/;
const GITLAB = /^https:\/\/([^/@?#]+)\/([^@?#]+?)\/([^/@?#]+)\/\/([^@?#]+)@(.+)$/;

/** Undefined for what names no workflow. */
export function parseWorkflowIdentity(subject: string): WorkflowIdentity | undefined {
  const github = GITHUB.exec(subject);
  const gitlab = github === null ? GITLAB.exec(subject) : null;
  // Each of the two has its own shape, and would never make the other's.
  if (github?.[1] === 'gitlab.com' || gitlab?.[1] === 'github.com') return undefined;
  const [, host, owner, repository, workflow, ref] = github ?? gitlab ?? [];
  if (host === undefined || owner === undefined || repository === undefined) return undefined;
  if (workflow === undefined || ref === undefined) return undefined;
  return { host, owner, repository, workflow, ref, isGitlab: gitlab !== null };
}

export function workflowIdentityText(identity: WorkflowIdentity): string {
  const { host, owner, repository, workflow, ref, isGitlab } = identity;
  return `https://${host}/${owner}/${repository}${isGitlab ? '//' : '/'}${workflow}@${ref}`;
}
