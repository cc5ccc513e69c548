/** `audit trend` and `audit sample` over a folder of snapshots, in every format, as whole processes. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, test } from 'node:test';
import type { AuditState } from '../../src/core/audit/audit-entry.ts';
import { encodeAuditSnapshot, type AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { auditEntry, auditSnapshot } from '../support/audits.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';

const sandbox = new Sandbox();
for (const folder of ['series', 'empty', 'mixed']) mkdirSync(sandbox.path(folder));

after(() => {
  sandbox.remove();
});

const audit = (...args: readonly string[]): Promise<Ended> => sandbox.run(['audit', ...args]);

function keep(path: string, day: number, states: readonly AuditState[], rest: Partial<AuditSnapshot> = {}): void {
  const entries = states.map((state, index) => auditEntry(`w${index}`, state));
  const takenAt = new Date(Date.UTC(2026, 2, day, 8));
  sandbox.write(path, encodeAuditSnapshot(auditSnapshot(entries, { takenAt, ...rest })));
}

const HIDDEN = [{ what: 'pods in all namespaces', reason: 'AUTH_FORBIDDEN not listed' }];
keep('series/a.json', 1, ['unsigned', 'unsigned', 'undetermined']);
keep('series/b.json', 2, ['verified', 'unsigned', 'undetermined'], { notLookedAt: HIDDEN });
keep('series/c.json', 5, ['verified', 'verified', 'undetermined']);
sandbox.write('series/c.json.sigstore.json', '{}');
sandbox.write('series/notes.txt', 'not one of them');
keep('mixed/a.json', 1, ['verified']);
keep('mixed/b.json', 2, ['verified'], { system: 'other' });
sandbox.write('broken.json', '{}');
keep('worse.json', 6, ['revoked', 'verified', 'undetermined']);

test('a table: a line each, what was not looked at, and what is missing', async () => {
  const { stdout, exitCode } = await audit('trend', 'series', '--every', '24h');
  assert.equal(exitCode, 0);
  assert.match(
    stdout,
    /^pay-prod: 3 snapshots, from 2026-03-01 08:00Z to 2026-03-05 08:00Z: containers verified 0% to 66\.7%$/m,
  );
  assert.match(stdout, /^2026-03-02 08:00Z {2}33\.3% +1 +0 +1 +0 +1 +0 +1 +1 better$/m);
  assert.match(stdout, /^no snapshot between 2026-03-02 08:00Z and 2026-03-05 08:00Z$/m);
});

test('Markdown and JSON have the evidence beside each snapshot', async () => {
  const markdown = (await audit('trend', 'series', '-o', 'markdown')).stdout;
  assert.match(
    markdown,
    /\| 2026-03-05 08:00Z \| 66\.7% \|.*signed, by whom was not asked \| `sha256:[0-9a-f]{64}` \|/,
  );
  assert.match(markdown, /unsigned snapshot/);
  const document = JSON.parse((await audit('trend', 'series', '-o', 'json', '--every', '24h')).stdout) as {
    snapshots: { notLookedAt: number; signature: { state: string } }[];
    gaps: unknown[];
  };
  assert.deepEqual(
    document.snapshots.map(({ notLookedAt, signature }) => [notLookedAt, signature.state]),
    [
      [0, 'unsigned'],
      [1, 'unsigned'],
      [0, 'not-verified'],
    ],
  );
  assert.equal(document.gaps.length, 1);
});

test('a page with charts that name their lines, and nothing from elsewhere', async () => {
  const { stdout } = await audit('trend', 'series', '-o', 'html');
  assert.match(stdout, /^<!doctype html>/);
  assert.match(stdout, /aria-label="Share of what is verified, over time"/);
  assert.match(stdout, /66\.7% containers<\/text>/);
  assert.match(stdout, /<g class="undetermined"><polyline points="[\d., ]+"\/>.*1 undetermined \?<\/text>/);
  assert.doesNotMatch(stdout, /<script|NaN|undefined|src=|@import/);
  const single = (await audit('trend', 'series/a.json', '-o', 'html')).stdout;
  assert.doesNotMatch(single, /NaN|Infinity/);
});

/** Prometheus' text format 0.0.4, and what OpenMetrics 1.0 adds to it. */
function samplesOf(printed: string): ReadonlyMap<string, readonly (readonly [value: number, at: number])[]> {
  const samples = new Map<string, [number, number][]>();
  const families = new Set<string>();
  let family = '';
  for (const line of printed.split('\n').filter((text) => text !== '' && text !== '# EOF')) {
    const [, type] = /^# TYPE ([a-z_]+) gauge$/.exec(line) ?? [];
    if (type !== undefined) {
      assert.ok(!families.has(type), `${type} stands in two places`);
      families.add(type);
      family = type;
    }
    if (line.startsWith('#')) continue;
    const [, name = '', labels = '', value, at = '0'] =
      /^([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)(?: (\d+))?$/.exec(line) ?? [];
    assert.equal(name, family, line);
    assert.ok(Number.isFinite(Number(value)), line);
    const series = samples.get(`${name}{${labels}}`) ?? [];
    series.push([Number(value), Number(at)]);
    samples.set(`${name}{${labels}}`, series);
  }
  return samples;
}

test('metrics: the newest, with what only a series tells', async () => {
  const samples = samplesOf((await audit('trend', 'series', '--every', '24h', '-o', 'prometheus')).stdout);
  const value = (name: string): number | undefined => samples.get(`sealwright_audit_${name}`)?.[0]?.[0];
  assert.equal(value('states{system="pay-prod",by="container",state="verified"}'), 2);
  assert.equal(value('series_snapshots{system="pay-prod"}'), 3);
  assert.equal(value('series_gaps{system="pay-prod"}'), 1);
  assert.equal(value('series_start_timestamp_seconds{system="pay-prod"}'), Date.UTC(2026, 2, 1, 8) / 1000);
  assert.equal(value('last_regressions{system="pay-prod"}'), 0);
});

test('metrics: all of it with its moments, in order, as a history that nobody scraped', async () => {
  const { stdout } = await audit('trend', 'series', '-o', 'openmetrics');
  assert.ok(stdout.endsWith('# EOF\n'));
  const samples = samplesOf(stdout);
  const moments = [1, 2, 5].map((day) => Date.UTC(2026, 2, day, 8) / 1000);
  assert.deepEqual(samples.get('sealwright_audit_states{system="pay-prod",by="container",state="verified"}'), [
    [0, moments[0]],
    [1, moments[1]],
    [2, moments[2]],
  ]);
  assert.deepEqual(samples.get('sealwright_audit_not_looked_at{system="pay-prod"}')?.[1], [1, moments[1]]);
});

test('a gate on a series: the newest that is worse, and a hole in it', async () => {
  const passes = await audit('trend', 'series', '--fail-on', 'regression');
  assert.equal(passes.exitCode, 0, passes.stderr);
  const hole = await audit('trend', 'series', '--fail-on', 'regression', '--every', '24h');
  assert.deepEqual([hole.exitCode, errorCode(hole)], [23, 'COULD_NOT_CHECK']);
  const worse = await audit('trend', 'series', 'worse.json', '--fail-on', 'regression', '--every', '24h');
  assert.deepEqual([worse.exitCode, errorCode(worse)], [20, 'POLICY_DENIED']);
});

test('diff fails on a regression, and on what is hidden this time', async () => {
  const diff = (...names: readonly string[]): Promise<Ended> => audit('diff', ...names, '--fail-on', 'regression');
  const hidden = await diff('series/a.json', 'series/b.json');
  assert.deepEqual([hidden.exitCode, errorCode(hidden)], [23, 'COULD_NOT_CHECK']);
  const worse = await diff('series/c.json', 'worse.json');
  assert.deepEqual([worse.exitCode, errorCode(worse)], [20, 'POLICY_DENIED']);
  assert.equal((await diff('series/b.json', 'series/c.json')).exitCode, 0);
});

test('a page says whether looking again gives the same, and by how much it does not', async () => {
  const noise = async (...more: readonly string[]): Promise<string> => {
    const { stdout } = await audit('diff', 'series/a.json', 'series/c.json', ...more);
    return /^- .*(?:agree|differ|again).*$/m.exec(stdout)?.[0] ?? '';
  };
  assert.match(await noise(), /was not checked/);
  keep('again.json', 6, ['verified', 'verified', 'undetermined']);
  assert.match(
    await noise('--again', 'again.json'),
    /2026-03-05T08.*2026-03-06T08.* agree in every byte but the moment/,
  );
  assert.match(await noise('--again', 'worse.json'), /differ in 1 places/);
  const before = await audit('diff', 'series/a.json', 'series/c.json', '--again', 'series/b.json');
  assert.deepEqual([errorCode(before), before.stdout], ['USAGE_BAD_FLAG', '']);
  const document = await audit('diff', 'series/a.json', 'series/c.json', '--again', 'again.json', '-o', 'json');
  assert.deepEqual((JSON.parse(document.stdout) as { noise: { agrees: boolean } }).noise.agrees, true);
});

test('gaps are ranked by what they expose, and by pods after that', async () => {
  const [plain, exposed] = [
    auditEntry('many', 'unsigned', { pods: 90 }),
    auditEntry('one', 'undetermined', { exposure: ['privileged'] }),
  ];
  sandbox.write('gaps.json', encodeAuditSnapshot(auditSnapshot([plain, exposed])));
  const { stdout } = await audit('diff', 'gaps.json', 'gaps.json');
  const gaps = stdout.slice(stdout.indexOf('## Gaps'));
  assert.match(
    gaps,
    /\| `Deployment pay\/one` \| 1, privileged \| undetermined .*\n\| `Deployment pay\/many` \| 90 \| unsigned/,
  );
  const html = (await audit('diff', 'gaps.json', 'gaps.json', '-o', 'html')).stdout;
  assert.match(html, /Deployment pay\/one<br><strong>privileged<\/strong>/);
  const json = (await audit('diff', 'gaps.json', 'gaps.json', '-o', 'json')).stdout;
  assert.deepEqual((JSON.parse(json) as { gaps: { exposure?: string[] }[] }).gaps[0]?.exposure, ['privileged']);
});

test('a sample: the same again whoever draws it, with its frame and evidence on every line', async () => {
  const draw = (...args: readonly string[]): Promise<Ended> => audit('sample', ...args, '--seed', '2026-Q1');
  const [folder, files] = [
    await draw('series', '--n', '4', '-o', 'json'),
    await draw('series/c.json', 'series/a.json', 'series/b.json', '--n', '4', '-o', 'json'),
  ];
  assert.equal(files.stdout, folder.stdout);
  assert.doesNotMatch(folder.stderr, /taken for/, 'as the documentation has it');
  const { frame, units } = JSON.parse(folder.stdout) as {
    frame: { units: number; notLookedAt: number; snapshots: unknown[] };
    units: { draw: string; state: string; file: string }[];
  };
  assert.deepEqual([frame.units, frame.notLookedAt, frame.snapshots.length, units.length], [9, 1, 3, 4]);
  const text = (await draw('series', '--n', '4')).stdout;
  assert.match(text, /^pay-prod: 4 of 9 units, 4 asked for, seed 2026-Q1$/m);
  assert.match(text, /^frame: places of containers in every state, of 3 snapshots from .*; sha256:[0-9a-f]{64}$/m);
  assert.match(text, /^not in the frame: 1 things/m);
  for (const unit of units)
    assert.match(text, new RegExp(`^\\d +${unit.draw.slice(0, 12)} .*(signed by|no login|registry\\.example)`, 'm'));
  const markdown = (await draw('series', '--n', '2', '-o', 'markdown')).stdout;
  assert.match(markdown, /\| 1 \| `[0-9a-f]{12}` \|/);
  const all = await draw('series', '--state', 'verified', '-o', 'json');
  assert.equal((JSON.parse(all.stdout) as { units: unknown[] }).units.length, 3);
  assert.match(all.stderr, /the frame has 3 units, and 25 were asked for/);
});

const REFUSALS: readonly (readonly [string, readonly string[], string])[] = [
  ['a series of nothing', ['trend', 'empty'], 'USAGE_BAD_FLAG'],
  ['a series of two systems', ['trend', 'mixed'], 'USAGE_BAD_FLAG'],
  ['a folder that is not there', ['trend', 'absent'], 'USAGE_FILE'],
  ['what is no snapshot', ['trend', 'series', 'broken.json'], 'FORMAT_AUDIT'],
  ['a schedule that is none', ['trend', 'series', '--every', 'day'], 'USAGE_BAD_FLAG'],
  ['an identity without its issuer', ['trend', 'series', '--certificate-identity', 'x'], 'USAGE_NO_IDENTITY'],
  ['a sample without a seed', ['sample', 'series'], 'USAGE_BAD_FLAG'],
  ['a seed of two lines', ['sample', 'series', '--seed', 'a\nb'], 'USAGE_BAD_FLAG'],
  ['a sample of none', ['sample', 'series', '--seed', 'a', '--n', '0'], 'USAGE_BAD_FLAG'],
  ['a sample of nothing', ['sample', 'empty', '--seed', 'a'], 'USAGE_BAD_FLAG'],
  ['a sample of two systems', ['sample', 'mixed', '--seed', 'a'], 'USAGE_BAD_FLAG'],
  ['a snapshot that counts twice', ['sample', 'series', 'series/a.json', '--seed', 'a'], 'USAGE_BAD_FLAG'],
  ['a state that is none', ['sample', 'series', '--seed', 'a', '--state', 'fine'], 'USAGE_BAD_FLAG'],
];

test('refused', async () => {
  for (const [name, args, code] of REFUSALS) {
    const ended = await audit(...args);
    assert.deepEqual([errorCode(ended), ended.stdout], [code, ''], `${name}: ${ended.stderr}`);
  }
});
