import type { TicketTracker } from '../../core/audit/ticket-tracker.ts';
import { UsageError } from '../../errors.ts';
import { GithubIssues } from '../../io/clients/github-issues.ts';
import { GitlabIssues } from '../../io/clients/gitlab-issues.ts';
import { JiraIssues } from '../../io/clients/jira-issues.ts';
import { tokenOf } from '../../io/clients/tracker-request.ts';
import { TicketFile } from '../../io/files/ticket-file.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { variable } from '../terminal/environment.ts';

const PLACES: Readonly<Record<string, RegExp>> = {
  github: /^(?!\.{1,2}\/)[A-Za-z0-9_.-]{1,100}\/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/,
  gitlab: /^(?:\d{1,15}|[A-Za-z0-9_.-]{1,100}(?:\/[A-Za-z0-9_.-]{1,100}){1,20})$/,
  jira: /^[A-Z][A-Z0-9_]{0,99}$/,
};

/** The tracker of `--to`. Tokens are read from the environment and from nowhere else. @throws UsageError */
export function chosenTracker({ flags, environment, now }: CommandContext, http: HttpClient): TicketTracker {
  const to = flags.required('to');
  const [, kind = '', place = ''] = /^(github|gitlab|jira):(.*)$/.exec(to) ?? [];
  if (kind === '') return fileOf(to);
  if (PLACES[kind]?.test(place) !== true) throw notAPlace(to);
  const access = (baseUrl: string): { http: HttpClient; baseUrl: string; now: () => Date } => ({
    http,
    baseUrl: serverUrl(baseUrl),
    now,
  });
  if (kind === 'github') {
    const token = tokenOf(environment, 'GITHUB_TOKEN', 'a token that may write issues');
    return new GithubIssues(access(variable(environment, 'GITHUB_API_URL') ?? 'https://api.github.com'), token, place);
  }
  if (kind === 'gitlab') {
    const token = tokenOf(environment, 'GITLAB_TOKEN', 'a token with the scope api');
    return new GitlabIssues(access(variable(environment, 'GITLAB_HOST') ?? 'https://gitlab.com'), token, place);
  }
  const url = variable(environment, 'JIRA_URL');
  if (url === undefined) {
    throw new UsageError('USAGE_BAD_CONFIG', 'nothing says where Jira is', {
      found: 'no JIRA_URL in the environment',
      expected: 'its URL',
      fix: 'set JIRA_URL, JIRA_TOKEN and, for Jira Cloud, JIRA_EMAIL',
    });
  }
  const email = variable(environment, 'JIRA_EMAIL');
  return new JiraIssues(access(url), tokenOf(environment, 'JIRA_TOKEN', 'a token that may write issues'), {
    project: place,
    issueType: flags.required('issue-type'),
    ...(email === undefined ? {} : { email }),
  });
}

function fileOf(to: string): TicketFile {
  if (to.endsWith('.md')) return new TicketFile(to);
  throw notAPlace(to);
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.username === '' && url.password === '' && url.search === '' && url.hash === '') {
    return url.href.replace(/\/+$/, '');
  }
  throw new UsageError('USAGE_BAD_CONFIG', "the tracker's address is none", {
    expected: 'an https URL without a token in it',
  });
}

function notAPlace(to: string): UsageError {
  return new UsageError('USAGE_BAD_FLAG', '--to is no place for a ticket', {
    found: to.slice(0, 200),
    expected: 'github:OWNER/REPOSITORY, gitlab:GROUP/PROJECT, jira:PROJECT, or a file that ends in .md',
  });
}
