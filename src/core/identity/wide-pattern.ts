import { type StringMatcher } from './identity-pattern.ts';
import type { PatternFinding } from './pattern-finding.ts';
import type { PatternSample } from './pattern-sample.ts';
import { strangersIn, type Breadth, type Stranger } from './pattern-strangers.ts';
import { parseWorkflowIdentity, workflowIdentityText, type WorkflowIdentity } from './workflow-identity.ts';

const WIDE: Readonly<
  Record<Breadth, (stranger: Stranger, identity: WorkflowIdentity | undefined) => [string, string]>
> = {
  'any-host': () => ['every host is accepted', 'the host in full, with \\. for its dots and a / behind it'],
  'any-owner': (_, identity) => [
    'every owner and group of the host is accepted',
    `your own: ${template(identity, 'owner')}`,
  ],
  'any-domain': () => ['addresses of every domain are accepted', 'the address in full'],
  'any-repository': (_, identity) => [
    `every repository of ${identity?.owner ?? 'the owner'} is accepted, with all that may push to any of them`,
    template(identity, 'repository'),
  ],
  'any-workflow': (_, identity) => [
    'every workflow of the repository is accepted, on every branch and pull request',
    template(identity, 'workflow'),
  ],
  'any-ref': (_, identity) => ['every branch and tag is accepted', template(identity, 'ref')],
  'any-mailbox': () => ['everybody with an address of the domain is accepted', 'the addresses, as (?:ann|bob)@…'],
  'any-tenant': () => ['every customer of the host has an issuer there', "the issuer's exact URL"],
};

/** The widest of what is left open: the narrower ones follow from it. */
export function tooWide(
  part: 'subject' | 'issuer',
  matcher: StringMatcher & { kind: 'regexp' },
  samples: readonly PatternSample[],
): readonly PatternFinding[] {
  const [widest] = strangersIn(matcher, samples, part);
  if (widest === undefined) return [];
  const [problem, instead] = WIDE[widest.breadth](widest, parseWorkflowIdentity(widest.text));
  return [{ name: widest.breadth, part, pattern: matcher.source, problem, example: widest.text, instead }];
}

const OPEN = ['owner', 'repository', 'workflow', 'ref'] as const;

/** The stranger's subject as a pattern, with names to fill in from the open member on. */
function template(identity: WorkflowIdentity | undefined, from: (typeof OPEN)[number]): string {
  if (identity === undefined) return 'the exact subject';
  const open = OPEN.slice(OPEN.indexOf(from));
  const escape = (text: string): string => text.replace(/[.+]/g, String.raw`\$&`);
  const { isGitlab } = identity;
  const fixed = (name: (typeof OPEN)[number], otherwise: string): string =>
    open.includes(name) ? otherwise : escape(identity[name]);
  return workflowIdentityText({
    isGitlab,
    host: escape(identity.host),
    owner: fixed('owner', 'OWNER'),
    repository: fixed('repository', 'REPOSITORY'),
    workflow: fixed('workflow', isGitlab ? String.raw`\.gitlab-ci\.yml` : String.raw`\.github/workflows/FILE\.yml`),
    ref: 'refs/tags/.*',
  });
}
