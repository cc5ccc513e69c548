/** One ticket per system, whatever dies or lies: against trackers on loopback that keep what they are told. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AuditEntry, AuditState } from '../../src/core/audit/audit-entry.ts';
import { auditGap } from '../../src/core/audit/audit-gap.ts';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { encodeTicketMarker, parseTicketMarker, ticketFingerprint } from '../../src/core/audit/ticket-marker.ts';
import { planTicket, type TicketPlan } from '../../src/core/audit/ticket-plan.ts';
import type { TicketTracker } from '../../src/core/audit/ticket-tracker.ts';
import { RemoteError, UsageError } from '../../src/errors.ts';
import { GithubIssues } from '../../src/io/clients/github-issues.ts';
import { GitlabIssues } from '../../src/io/clients/gitlab-issues.ts';
import { JiraIssues } from '../../src/io/clients/jira-issues.ts';
import { TicketFile } from '../../src/io/files/ticket-file.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { ticketComment, ticketText } from '../../src/cli/report/ticket-text.ts';
import { rollTicket, type TicketOutcome } from '../../src/workflows/audit/audit-ticket.ts';
import { github } from '../support/github-tracker.ts';
import { gitlab } from '../support/gitlab-tracker.ts';
import { Tracker } from '../support/issue-trackers.ts';
import { jira } from '../support/jira-tracker.ts';

const TOKEN = 'ghp_secretsecretsecret';
const START = Date.parse('2026-03-03T08:00:00Z');
const DAY_MS = 86_400_000;

function entry(name: string, state: AuditState, more: Partial<AuditEntry> = {}): AuditEntry {
  const image = `registry.example/${name}@sha256:${'ab'.repeat(32)}`;
  const place = {
    namespace: 'shop',
    owner: `Deployment ${name}`,
    path: 'spec.containers[0].image',
    text: image,
    image,
  };
  return { ...place, source: 'status', pods: 2, state, signers: [], policies: ['p'], ...more };
}

function snapshot(day: number, entries: readonly AuditEntry[], more: Partial<AuditSnapshot> = {}): AuditSnapshot {
  const policies = { source: 'the cluster', digest: 'sha256:00', count: 1 };
  const takenAt = new Date(START + day * DAY_MS);
  return {
    system: 'pay-prod',
    takenAt,
    version: '1',
    scope: 's',
    policies,
    trust: 't',
    entries,
    notLookedAt: [],
    ...more,
  };
}

const BAD = [entry('web', 'unsigned'), entry('api', 'verified')];
const WORSE = [...BAD, entry('db', 'revoked')];
const GOOD = [entry('web', 'verified'), entry('api', 'verified')];

type Roll = (of: AuditSnapshot, more?: { isRehearsal?: boolean }) => Promise<TicketOutcome>;

interface Bench {
  readonly roll: Roll;
  readonly tracker: Tracker;
  readonly waits: number[];
}

function rolling(tracker: TicketTracker, waits: number[]): Roll {
  return (of, { isRehearsal = false } = {}) => {
    const gap = auditGap(of);
    const facts = (plan: TicketPlan) => ({
      gap,
      plan,
      owner: 'payments',
      holdDays: 14,
      to: 'github:acme/ops',
      signature: 'unsigned snapshot',
      signerWords: [],
    });
    return rollTicket(gap, {
      tracker,
      terms: { holdDays: 14 },
      write: (plan) => ({
        text: ticketText(tracker.markup, facts(plan)),
        comment: ticketComment(tracker.markup, facts(plan)),
      }),
      clock: {
        now: () => new Date(START),
        sleep: (ms) => {
          waits.push(ms);
          return Promise.resolve();
        },
      },
      isRehearsal,
    });
  };
}

const KINDS = {
  github: (access: Access) => new GithubIssues(access, TOKEN, 'acme/ops'),
  gitlab: (access: Access) => new GitlabIssues(access, TOKEN, 'acme/ops'),
  'jira cloud': (access: Access) =>
    new JiraIssues(access, TOKEN, { project: 'OPS', issueType: 'Task', email: 'a@b.example' }),
  'jira data center': (access: Access) => new JiraIssues(access, TOKEN, { project: 'OPS', issueType: 'Task' }),
};
const ROUTES = { github, gitlab, 'jira cloud': jira, 'jira data center': jira };
type Kind = keyof typeof KINDS;
interface Access {
  readonly http: HttpClient;
  readonly baseUrl: string;
  readonly now: () => Date;
}

async function bench(t: TestContext, kind: Kind): Promise<Bench> {
  const tracker = await Tracker.open(t, ROUTES[kind]);
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  const waits: number[] = [];
  const client = KINDS[kind]({ http, baseUrl: tracker.url, now: () => new Date(START) });
  return { tracker, waits, roll: rolling(client, waits) };
}

for (const kind of Object.keys(KINDS) as Kind[]) {
  test(`${kind}: one ticket from the first gap to the last, with comments only on change`, async (t) => {
    const { roll, tracker } = await bench(t, kind);
    const steps: readonly (readonly [AuditSnapshot, TicketPlan['action'], comments: number, isOpen: boolean])[] = [
      [snapshot(0, BAD), 'create', 0, true],
      [snapshot(0, BAD), 'keep', 0, true],
      [snapshot(1, BAD), 'update', 0, true],
      [snapshot(2, WORSE), 'update', 1, true],
      [snapshot(3, GOOD), 'update', 2, true],
      [snapshot(16, GOOD), 'update', 2, true],
      [snapshot(17, GOOD), 'close', 3, false],
      [snapshot(18, GOOD), 'keep', 3, false],
      [snapshot(20, BAD), 'reopen', 4, true],
      [snapshot(20, BAD), 'keep', 4, true],
    ];
    for (const [of, action, comments, isOpen] of steps) {
      assert.equal((await roll(of)).plan.action, action, of.takenAt.toISOString());
      assert.equal(tracker.tickets.length, 1);
      assert.deepEqual([tracker.tickets[0]?.comments.length, tracker.tickets[0]?.isOpen], [comments, isOpen], action);
    }
    assert.deepEqual(tracker.problems, []);
    assert.ok(tracker.requests.every(({ path }) => !path.includes(TOKEN)));
  });

  test(`${kind}: wherever a run dies, the next one finishes it, and nothing is there twice`, async (t) => {
    const writes = {
      github: ['POST', 'PATCH'],
      gitlab: ['POST', 'PUT'],
      'jira cloud': ['POST', 'PUT'],
      'jira data center': ['POST', 'PUT'],
    };
    for (const when of ['before', 'after'] as const) {
      for (const answer of [
        'hang up',
        { status: 502 },
        { status: 503 },
        { status: 500 },
        { status: 200, body: '{"half' },
      ] as const) {
        const { roll, tracker } = await bench(t, kind);
        const path = /issues?$|issue$/;
        const tries = async (of: AuditSnapshot): Promise<void> => {
          try {
            await roll(of);
          } catch (error) {
            assert.ok(error instanceof RemoteError, String(error));
            await roll(of);
          }
        };
        tracker.faults = [{ method: 'POST', path, when, answer }];
        await tries(snapshot(0, BAD));
        assert.equal(tracker.tickets.length, 1, `${when} ${JSON.stringify(answer)}`);
        for (const [day, method] of writes[kind].entries()) {
          tracker.faults = [{ method, path: method === 'POST' ? /(comments|notes|comment)$/ : /./, when, answer }];
          await tries(snapshot(day + 1, day === 0 ? WORSE : BAD));
          assert.equal(tracker.tickets[0]?.comments.length, day + 1, `${method} ${when} ${JSON.stringify(answer)}`);
          assert.equal((await roll(snapshot(day + 1, day === 0 ? WORSE : BAD))).plan.action, 'keep');
        }
        assert.deepEqual(tracker.problems, []);
      }
    }
  });
}

test('a rehearsal reads and writes nothing', async (t) => {
  const { roll, tracker } = await bench(t, 'github');
  assert.equal((await roll(snapshot(0, BAD), { isRehearsal: true })).plan.action, 'create');
  await roll(snapshot(0, BAD));
  const before = tracker.writes().length;
  assert.equal((await roll(snapshot(1, WORSE), { isRehearsal: true })).plan.action, 'update');
  assert.deepEqual([before, tracker.writes().length], [1, 1]);
});

test('where there is no gap there is no ticket', async (t) => {
  const { roll, tracker } = await bench(t, 'github');
  assert.equal((await roll(snapshot(0, GOOD))).plan.action, 'none');
  assert.equal(tracker.tickets.length, 0);
});

test("a pause that is asked for is kept, whatever the status by which it is said; one that is too long is the caller's", async (t) => {
  const { roll, tracker, waits } = await bench(t, 'github');
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(START / 1000 + 30) };
  tracker.faults = [
    { method: 'GET', when: 'before', answer: { status: 429, headers: { 'retry-after': '7' } } },
    { method: 'GET', when: 'before', answer: { status: 403, headers } },
    { method: 'POST', when: 'before', answer: { status: 403, headers: { 'retry-after': '5' } } },
  ];
  await roll(snapshot(0, BAD));
  assert.deepEqual([waits, tracker.tickets.length], [[7000, 30_000, 5000], 1]);
  tracker.faults = [{ method: 'GET', when: 'before', answer: { status: 429, headers: { 'retry-after': '3600' } } }];
  await assert.rejects(
    roll(snapshot(1, BAD)),
    (error) => error instanceof RemoteError && error.code === 'REMOTE_THROTTLED',
  );
  assert.equal(waits.length, 3);
});

test('what a tracker answers is bounded and read strictly, and no token stands in an error', async (t) => {
  const cases: readonly (readonly [string, { status: number; headers?: Record<string, string>; body?: string }])[] = [
    ['REMOTE_STATUS', { status: 401, body: `bad credentials: Bearer ${TOKEN}` }],
    ['REMOTE_STATUS', { status: 403, body: 'no' }],
    ['REMOTE_STATUS', { status: 404 }],
    ['REMOTE_STATUS', { status: 301, headers: { location: 'http://127.0.0.1:1/' } }],
    ['REMOTE_BODY', { status: 200, body: '{}' }],
    ['REMOTE_BODY', { status: 200, body: '['.repeat(100_000) }],
    ['REMOTE_BODY', { status: 200, body: `["${'x'.repeat(17 << 20)}"]` }],
    ['REMOTE_BODY', { status: 200, body: '[{"number":"1"}]' }],
    ['REMOTE_BODY', { status: 200, body: '[{"number":1,"html_url":"javascript:alert(1)","title":"","state":"open"}]' }],
  ];
  for (const [code, answer] of cases) {
    const { roll, tracker } = await bench(t, 'github');
    tracker.faults = Array.from({ length: 4 }, () => ({ method: 'GET', when: 'before', answer }) as const);
    await assert.rejects(roll(snapshot(0, BAD)), (error) => {
      assert.ok(error instanceof RemoteError, String(error));
      assert.equal(error.code, code, JSON.stringify(answer).slice(0, 100));
      assert.ok(!JSON.stringify([error.message, error.facts]).includes(TOKEN));
      return true;
    });
    assert.equal(tracker.tickets.length, 0);
  }
});

test('a file: the same rules, comments below, and never over something else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-ticket-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'gap.md');
  const roll = rolling(new TicketFile(path), []);
  assert.equal((await roll(snapshot(0, BAD))).plan.action, 'create');
  assert.equal((await roll(snapshot(1, WORSE))).plan.action, 'update');
  assert.equal((await roll(snapshot(2, GOOD))).plan.action, 'update');
  assert.equal((await roll(snapshot(16, GOOD))).plan.action, 'close');
  assert.equal((await roll(snapshot(17, BAD))).plan.action, 'reopen');
  assert.equal(readFileSync(path, 'utf8').match(/sealwright-comment/g)?.length, 4);
  await assert.rejects(
    roll(snapshot(18, BAD, { system: 'other' })),
    (error) => error instanceof UsageError && error.code === 'USAGE_WOULD_OVERWRITE',
  );
  writeFileSync(path, '# Our plans\n');
  await assert.rejects(
    roll(snapshot(18, BAD)),
    (error) => error instanceof UsageError && error.code === 'USAGE_WOULD_OVERWRITE',
  );
  assert.equal(readFileSync(path, 'utf8'), '# Our plans\n');
});

test('what is undetermined or was not looked at keeps a ticket open; exempt does not', () => {
  const isClosed = (of: AuditSnapshot): boolean => auditGap(of).isClosed;
  assert.ok(isClosed(snapshot(0, [...GOOD, entry('old', 'exempt')])));
  assert.ok(!isClosed(snapshot(0, [...GOOD, entry('x', 'undetermined', { cause: 'throttled' })])));
  assert.ok(!isClosed(snapshot(0, GOOD, { notLookedAt: [{ what: 'pods', reason: 'forbidden' }] })));
  assert.equal(auditGap(snapshot(0, BAD)).digest, auditGap(snapshot(9, BAD)).digest);
  assert.notEqual(auditGap(snapshot(0, BAD)).digest, auditGap(snapshot(0, WORSE)).digest);
});

test('the due date is before the review, stays while the gap does, and is set anew after a regression', () => {
  const gap = (day: number): ReturnType<typeof auditGap> => auditGap(snapshot(day, BAD));
  const first = planTicket(gap(0), undefined, { holdDays: 14 });
  assert.equal(first.due, '2026-03-25');
  assert.equal(planTicket(gap(90), { isOpen: true, marker: first.marker }, { holdDays: 14 }).due, '2026-03-25');
  assert.equal(planTicket(gap(90), { isOpen: false, marker: first.marker }, { holdDays: 14 }).due, '2026-06-24');
  assert.equal(planTicket(gap(0), undefined, { holdDays: 14, review: '2026-03-05' }).due, '2026-03-04');
  assert.equal(planTicket(gap(20), undefined, { holdDays: 14 }).due, '2026-06-24');
  for (const review of ['2026-03-03', '2025-01-01', '2026-02-31x', 'soon']) {
    assert.throws(() => planTicket(gap(0), undefined, { holdDays: 14, review }), { code: 'USAGE_BAD_FLAG' });
  }
  const later = { isOpen: true, marker: planTicket(gap(5), undefined, { holdDays: 14 }).marker };
  assert.throws(() => planTicket(gap(4), later, { holdDays: 14 }), { code: 'USAGE_BAD_FLAG' });
});

test('a marker that was tampered with is none, and one of another system is not ours', () => {
  const fingerprint = ticketFingerprint('pay-prod');
  const marker = { fingerprint, gap: 'g', takenAt: new Date(START), due: '2026-03-25', heldSince: new Date(START) };
  const word = encodeTicketMarker(marker);
  assert.deepEqual(parseTicketMarker(`<!-- ${word} -->`, fingerprint), marker);
  assert.equal(parseTicketMarker(word, ticketFingerprint('other')), undefined);
  for (const json of [
    '{}',
    '[]',
    '{"gap":1}',
    '{"gap":"g","takenAt":"soon","due":"2026-03-25"}',
    '{"gap":"g","takenAt":"2026-03-03T08:00:00.000Z","due":"x"}',
  ]) {
    const damaged = `${word.split('.')[0] ?? ''}.${Buffer.from(json).toString('base64url')}`;
    assert.equal(parseTicketMarker(damaged, fingerprint), undefined, json);
    assert.deepEqual(parseTicketMarker(`${damaged} ${word}`, fingerprint), marker);
  }
});

test('names of images and workloads bring no mark-up of their own', () => {
  const evil = entry('x', 'unsigned', {
    owner: 'Deployment `a`|b <script> {noformat} [~bob] @team',
    image: 'r/x`$(id)`',
  });
  const gap = auditGap(snapshot(0, [evil]));
  const facts = {
    gap,
    plan: planTicket(gap, undefined, { holdDays: 14 }),
    owner: '<b>@all</b>',
    holdDays: 14,
    to: 'x.md',
    signature: 'unsigned snapshot',
    signerWords: [],
  };
  const markdown = ticketText('markdown', facts).body;
  assert.doesNotMatch(markdown, /<b>|sign 'r\/x/);
  const wiki = ticketText('wiki', facts).body;
  assert.doesNotMatch(wiki, /[^\\]\[~bob|Deployment.*[^\\]\{noformat/);
  assert.match(wiki, /\{anchor:sealwright-audit-/);
});
