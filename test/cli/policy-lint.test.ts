/** `sealwright policy lint`: its formats, its places and its exit codes. */
import { MetadataKind } from '@tufjs/models';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { HostileMirror } from '../io/tuf/hostile-mirror.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

const policy = (mode: string, glob: string): string => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: p}
spec:
  mode: ${mode}
  images:
    - glob: "${glob}"
  authorities:
    - static: {action: fail}
`;
writeFileSync(sandbox.path('note.yaml'), policy('warn', 'registry.example/**'));
writeFileSync(sandbox.path('error.yaml'), `# the tag is never seen\n${policy('enforce', 'registry.example/app:1')}`);
writeFileSync(sandbox.path('good.yaml'), policy('enforce', 'registry.example/**'));

function lint(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(['policy', 'lint', ...args]);
}

test('the exit code says whether a finding is as grave as asked', async () => {
  const cases: readonly (readonly [args: readonly string[], exitCode: number])[] = [
    [['good.yaml'], 0],
    [['note.yaml'], 0],
    [['note.yaml', '--fail-on', 'note'], 20],
    [['error.yaml'], 20],
    [['error.yaml', '--fail-on', 'error'], 20],
    [['error.yaml', '--fail-on', 'never'], 0],
    [[], 1],
    [['none.yaml'], 1],
  ];
  for (const [args, exitCode] of cases) assert.equal((await lint(...args)).exitCode, exitCode, args.join(' '));
  assert.equal(errorCode(await lint('error.yaml')), 'POLICY_DENIED');
  assert.equal(errorCode(await lint('none.yaml')), 'USAGE_FILE');
  assert.equal(errorCode(await lint()), 'USAGE_BAD_FLAG');
});

test('a finding with its file and line, as text, JSON, SARIF and annotations', async () => {
  const text = await lint('error.yaml', 'note.yaml');
  assert.match(
    text.stdout,
    /^error\.yaml:8: error: glob-ends-in-tag: registry\.example\/app:1 matches no image at admission: .*\n {2}in: {7}ClusterImagePolicy p, spec\.images\[0\]\.glob\n/,
  );
  assert.match(text.stdout, /^note\.yaml:5: note: warn-mode: /m);
  const json = JSON.parse((await lint('error.yaml', '-o', 'json')).stdout) as {
    schema: string;
    findings: { rule: string; line: number }[];
  };
  assert.equal(json.schema, 'urn:sealwright:policy-lint:v1');
  assert.deepEqual(
    json.findings.map(({ rule, line }) => [rule, line]),
    [['glob-ends-in-tag', 8]],
  );
  const sarif = JSON.parse((await lint('error.yaml', '-o', 'sarif')).stdout) as {
    version: string;
    runs: {
      results: {
        ruleId: string;
        level: string;
        ruleIndex: number;
        locations: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } } }[];
      }[];
    }[];
  };
  assert.equal(sarif.version, '2.1.0');
  const [result] = sarif.runs[0]?.results ?? [];
  assert.deepEqual([result?.ruleId, result?.level, result?.ruleIndex], ['glob-ends-in-tag', 'error', 0]);
  assert.deepEqual(result?.locations[0]?.physicalLocation, {
    artifactLocation: { uri: 'error.yaml' },
    region: { startLine: 8 },
  });
  const github = await lint('error.yaml', '-o', 'github');
  assert.match(
    github.stdout,
    /^::error file=error\.yaml,line=8,title=glob-ends-in-tag::registry\.example\/app:1 matches no image/,
  );
});

test('flags are looked at as verify would take them, and with --compat cosign as cosign would', async () => {
  const flags = [
    '--certificate-identity-regexp',
    String.raw`https://github\.com/acme/pay/\.github/workflows/release\.yml@refs/tags/v1`,
    '--certificate-oidc-issuer',
    'https://token.actions.githubusercontent.com',
  ];
  const ours = JSON.parse((await lint(...flags, '-o', 'json', '--fail-on', 'never')).stdout) as {
    findings: { rule: string }[];
  };
  assert.deepEqual(
    ours.findings.map(({ rule }) => rule),
    [],
  );
  const cosign = await sandbox.run([
    '--compat',
    'cosign',
    'policy',
    'lint',
    ...flags,
    '-o',
    'json',
    '--fail-on',
    'never',
  ]);
  const { findings } = JSON.parse(cosign.stdout) as { findings: { rule: string; path: string }[] };
  assert.deepEqual(
    findings.map(({ rule, path }) => [rule, path]),
    [['identity-unanchored', '--certificate-identity']],
  );
  assert.equal(errorCode(await lint('--certificate-identity', 'alice@example.com')), 'USAGE_NO_IDENTITY');
});

test('the repository of a TrustRoot is read: what ends, what has ended, and what could not be checked', async (t) => {
  const mirror = await HostileMirror.create(t);
  const url = await mirror.url();
  const write = (spec: object): void => {
    writeFileSync(
      sandbox.path('root.yaml'),
      JSON.stringify({
        apiVersion: 'policy.sigstore.dev/v1alpha1',
        kind: 'TrustRoot',
        metadata: { name: 'lab' },
        spec,
      }),
    );
  };
  const found = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await lint('root.yaml', '-o', 'json', '--fail-on', 'never', ...args);
    const { findings } = JSON.parse(stdout) as { findings: { rule: string; level: string; message: string }[] };
    return findings.map(({ rule, level, message }) => {
      const [, what = ''] = /its (\w+) metadata|checked: (\w+)|the last of its (\w+)/.exec(message) ?? [];
      return `${level} ${rule}${what === '' ? '' : ` ${what}`}`;
    });
  };
  const root = Buffer.from(mirror.rootJson).toString('base64');
  write({ remote: { mirror: url, root } });
  assert.deepEqual(await found(), []);
  assert.deepEqual(await found('--offline'), ['warning trust-root-unread']);

  const soon = new Date(Date.now() + 5 * 86_400_000).toISOString();
  // Signed every few days by whoever keeps a repository: that it ends soon is how it always is.
  mirror.forge('timestamp.json', 'timestamp.json', MetadataKind.Timestamp, { expires: soon }, mirror.keys.timestamp);
  assert.deepEqual(await found(), []);
  const gone = new Date(Date.now() - 1000).toISOString();
  mirror.forge('timestamp.json', 'timestamp.json', MetadataKind.Timestamp, { expires: gone }, mirror.keys.timestamp);
  assert.deepEqual(await found(), ['error trust-root-expired']);

  mirror.copy();
  mirror.files.delete('timestamp.json');
  assert.deepEqual(await found(), ['warning trust-root-unread']);
  mirror.copy();
  const another = await HostileMirror.create(t);
  write({ remote: { mirror: url, root: Buffer.from(another.rootJson).toString('base64') } });
  assert.deepEqual(await found(), ['error trust-root-unread']);
});
