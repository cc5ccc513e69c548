/** What is published of three trackers catches who does not keep to it; and clients of others say what ours say. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GitlabIssues } from '../../../src/io/clients/gitlab-issues.ts';
import { JiraIssues } from '../../../src/io/clients/jira-issues.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { gitlab } from '../../support/gitlab-tracker.ts';
import { interop } from '../../support/interop.ts';
import { PublishedOperations, Tracker, type TrackerRequest } from '../../support/issue-trackers.ts';
import { jira } from '../../support/jira-tracker.ts';
import { openApiSample } from '../../support/openapi-schema.ts';

const TOKEN = 'a-token';

async function silentTracker(t: TestContext): Promise<Tracker> {
  return Tracker.open(t, () => [200, {}]);
}

for (const [name, create, list] of [
  ['github', 'POST /repos/{owner}/{repo}/issues', 'GET /repos/{owner}/{repo}/issues'],
  ['gitlab', 'POST /projects/{id}/issues', 'GET /projects/{id}/issues'],
  ['jira', 'POST /rest/api/2/issue', 'GET /rest/api/2/issue/{issueIdOrKey}/comment'],
] as const) {
  test(`${name}: a word misspelt, a wrong type and a member that is missing do not fit`, async (t) => {
    const published = new PublishedOperations(name);
    const problems = async (hold: (tracker: Tracker) => void): Promise<string> => {
      const tracker = await silentTracker(t);
      hold(tracker);
      return tracker.problems.join('; ');
    };
    const url = (query = ''): URL => new URL(`http://tracker.example/x${query}`);
    const right =
      name === 'jira'
        ? { fields: { project: { key: 'OPS' }, issuetype: { name: 'Task' }, summary: 'a gap' } }
        : { title: 'a gap' };
    const wrong = name === 'jira' ? { fields: { ...right.fields, summary: [] } } : { title: [] };
    const asked = (body: object, query?: string): Promise<string> =>
      problems((tracker) => {
        published.holdRequest(tracker, create, url(query), body as Record<string, unknown>);
      });
    assert.equal(await asked(right), '');
    assert.match(await asked({ ...right, descripton: 'x' }), /a stranger descripton/);
    assert.match(await asked(wrong), /(title|summary): (not of type string|fits none)/);
    assert.match(await asked(right, '?serch=x'), /a parameter serch/);
    const told = (reply: unknown, operation: string = create): Promise<string> =>
      problems((tracker) => {
        published.holdReply(tracker, operation, reply);
      });
    const sample = openApiSample(published.replySchema(create)) as Record<string, unknown>;
    const member = name === 'jira' ? 'key' : 'title';
    assert.equal(await told(sample), '');
    assert.match(await told({ ...sample, [member]: undefined }), new RegExp(`no ${member}`));
    assert.match(await told({ ...sample, [member]: 7 }), new RegExp(`${member}: not of type string`));
    assert.match(await told({ ...sample, tilte: 'x' }), /a stranger tilte/);
    assert.match(await told('soon', list), /not of type (array|object)/);
    assert.throws(() => published.replySchema(`${create}s`), /nobody has published/);
  });
}

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function client(executable: string, args: readonly string[], options: unknown = {}): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(executable, args, (error, stdout, stderr) => {
      done({ exitCode: error === null ? 0 : 1, stdout, stderr });
    });
    child.stdin?.end(JSON.stringify(options));
  });
}

const OPERATIONS: readonly (readonly [method: string, path: RegExp, operation: string])[] = [
  ['GET', /\/issues$/, 'list'],
  ['POST', /\/issues$/, 'create'],
  ['PUT', /\/issues\/\d+$/, 'update'],
  ['GET', /\/notes$/, 'list-notes'],
  ['POST', /\/notes$/, 'create-note'],
];

/** What of a request counts, the header that says who asks among it. */
function form(one: TrackerRequest | undefined, header: string): unknown {
  return [one?.method, one?.path, one?.query, one?.body, one?.headers[header]];
}

/** The same request by the other client, from what ours said. */
function repeated(executable: string, to: Tracker, { method, path, query, body }: TrackerRequest): Promise<Ended> {
  const operation = OPERATIONS.find(([verb, pattern]) => verb === method && pattern.test(path))?.[2];
  assert.ok(operation !== undefined, path);
  const { per_page: size, ...words } = query;
  const options = method === 'GET' ? { ...words, ...(size === undefined ? {} : { per_page: Number(size) }) } : body;
  const issue = /\/issues\/(\d+)/.exec(path)?.[1];
  return client(executable, [operation, to.url, 'acme/ops', ...(issue === undefined ? [] : [issue])], options);
}

interop(
  'gitlab-client',
  'both',
  'tickets: it sends what we send, and reads what our stand-in answers without a member left over',
  async (t, executable) => {
    const [ours, theirs] = [await Tracker.open(t, gitlab), await Tracker.open(t, gitlab)];
    const http = new HttpClient({ retry: { retries: 0 } });
    t.after(() => {
      http.close();
    });
    const issues = new GitlabIssues({ http, baseUrl: ours.url, now: () => new Date() }, TOKEN, 'acme/ops');
    const text = { title: 'a gap', body: 'three images\n\nword-1', due: '2026-03-25' };
    await issues.find('word-1');
    const made = await issues.create(text);
    await issues.update(made, { ...text, title: 'a wider gap' }, true);
    await issues.comment(made, 'it grew');
    await issues.comments(made);
    await issues.update(made, text, false);
    await issues.update({ ...made, isOpen: false }, { ...text, due: '2026-06-24' }, true);
    assert.deepEqual((await issues.find('word-1'))?.id, made.id);

    for (const [index, request] of ours.requests.entries()) {
      const ended = await repeated(executable, theirs, request);
      assert.equal(ended.exitCode, 0, ended.stderr);
      const sent = theirs.requests[index];
      assert.deepEqual(form(sent, 'private-token'), form(request, 'private-token'));
      assert.equal(theirs.requests.length, index + 1);
    }
    assert.deepEqual(theirs.tickets, ours.tickets);
    assert.deepEqual([ours.problems, theirs.problems], [[], []]);
  },
);

interop(
  'gitlab-client',
  'peer → sealwright',
  'tickets: what it does not know is refused, in a request and in an answer',
  async (t, executable) => {
    const tracker = await Tracker.open(t, gitlab);
    const create = (options: object): Promise<Ended> =>
      client(executable, ['create', tracker.url, 'acme/ops'], options);
    assert.match((await create({ title: 'x', duedate: '2026-03-25' })).stderr, /unknown field "duedate"/);
    assert.match((await create({ title: ['x'] })).stderr, /cannot unmarshal array/);
    assert.match((await create({ title: 'x', due_date: 'soon' })).stderr, /parsing time|cannot parse/);
    assert.equal(tracker.requests.length, 0);
    for (const [body, said] of [
      ['{"id":1,"iid":1,"titel":"x"}', /the reply: .*unknown field "titel"/],
      ['{"id":1,"iid":"one"}', /cannot unmarshal string/],
    ] as const) {
      tracker.faults = [{ method: 'POST', when: 'after', answer: { status: 201, headers: JSON_TYPE, body } }];
      const ended = await create({ title: 'x' });
      assert.equal(ended.exitCode, 1);
      assert.match(ended.stderr, said);
    }
  },
);

const JSON_TYPE = { 'content-type': 'application/json' };

interop('gitlab-client', 'peer → sealwright', "tickets: its types are the vector's", async (_, executable) => {
  const path = resolve(import.meta.dirname, '../../vectors/gitlab/issues.json');
  const { operations } = JSON.parse(readFileSync(path, 'utf8')) as { operations: unknown };
  const { stdout } = await client(executable, ['schema']);
  assert.deepEqual(JSON.parse(stdout), { operations });
});

/** The same request by jira.js, from what ours said: group, method and parameters. */
function byJiraClient({ method, path, query, body }: TrackerRequest): readonly [string, string, object] {
  const [, key, part] = /^\/rest\/api\/2\/issue\/([A-Z]+-\d+)(\/\w+)?$/.exec(path) ?? [];
  const issue = { issueIdOrKey: key };
  switch (`${method} ${part ?? (key === undefined ? path.slice('/rest/api/2'.length) : '/issue/KEY')}`) {
    case 'POST /search':
      return ['issueSearch', 'searchForIssuesUsingJqlPost', body];
    case 'POST /search/jql':
      return ['issueSearch', 'searchForIssuesUsingJqlEnhancedSearchPost', body];
    case 'POST /issue':
      return ['issues', 'createIssue', body];
    case 'PUT /issue/KEY':
      return ['issues', 'editIssue', { ...issue, ...body }];
    case 'GET /transitions':
      return ['issues', 'getTransitions', issue];
    case 'POST /transitions':
      return ['issues', 'doTransition', { ...issue, ...body }];
    case 'GET /comment':
      return ['issueComments', 'getComments', { ...issue, ...query }];
    case 'POST /comment':
      return ['issueComments', 'addComment', { ...issue, comment: body['body'] }];
    default:
      return assert.fail(`${method} ${path}`);
  }
}

for (const [what, email] of [
  ['Cloud', 'a@b.example'],
  ['Data Center', undefined],
] as const) {
  interop('jira-client', 'both', `tickets, ${what}: it sends what we send`, async (t, executable) => {
    const [ours, theirs] = [await Tracker.open(t, jira), await Tracker.open(t, jira)];
    const http = new HttpClient({ retry: { retries: 0 } });
    t.after(() => {
      http.close();
    });
    const place = { project: 'OPS', issueType: 'Task', ...(email === undefined ? {} : { email }) };
    const issues = new JiraIssues({ http, baseUrl: ours.url, now: () => new Date() }, TOKEN, place);
    const text = { title: 'a gap', body: 'three images\n\nword-1', due: '2026-03-25' };
    await issues.find('word-1');
    const made = await issues.create(text, 'word-1');
    await issues.update(made, { ...text, title: 'a wider gap' }, true);
    await issues.comment(made, 'it grew');
    await issues.comments(made);
    await issues.update(made, text, false);
    await issues.update({ ...made, isOpen: false }, { ...text, due: '2026-06-24' }, true);
    assert.equal((await issues.find('word-1'))?.id, made.id);

    for (const [index, request] of ours.requests.entries()) {
      const [group, method, parameters] = byJiraClient(request);
      const who = [TOKEN, ...(email === undefined ? [] : [email])];
      const ended = await client(executable, [theirs.url, group, method, ...who], parameters);
      assert.equal(ended.exitCode, 0, ended.stderr);
      assert.deepEqual(form(theirs.requests[index], 'authorization'), form(request, 'authorization'));
      assert.equal(theirs.requests.length, index + 1);
    }
    assert.equal(new Set(ours.requests.map(({ method, path }) => `${method} ${path}`)).size, 7);
    assert.deepEqual(theirs.tickets, ours.tickets);
    assert.deepEqual([ours.problems, theirs.problems], [[], []]);
  });
}
