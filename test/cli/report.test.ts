/** Every form that a verification is told in, made from images that are signed well, by others, and not at all. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { imageSignatureStatement } from '../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../src/core/attestation/statement.ts';
import { parseReference, type ImageReference } from '../../src/core/image/reference.ts';
import { cosignReport } from '../../src/cli/report/cosign-report.ts';
import { githubAnnotations, githubSummary } from '../../src/cli/report/github-report.ts';
import { junitReport } from '../../src/cli/report/junit-report.ts';
import { markdownReport } from '../../src/cli/report/markdown-report.ts';
import { documentsBySubject, reportDocument, type ReportDocument } from '../../src/cli/report/report-document.ts';
import { reportLines } from '../../src/cli/report/report-lines.ts';
import { sarifReport } from '../../src/cli/report/sarif-report.ts';
import { tableReport } from '../../src/cli/report/table-report.ts';
import { pushBundle } from '../../src/io/registry/bundle-store.ts';
import { examineImage, type ExaminedImage } from '../../src/workflows/verify/examine-image.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { ALICE, ISSUER, SIGNING_TIME, SUBJECT, type DraftInput } from '../support/instance.ts';
import { publishedSchema, schemaProblems } from '../support/json-schema.ts';
import { signingWorld, type SigningWorld } from '../support/signing-world.ts';

const SCHEMA = publishedSchema('verify-report.v1');

const HOSTILE = 'mallory|`@evil<script>::error::\u001b[31m@example.com';
const RUN = {
  programVersion: '1.2.3',
  verifiedAt: SIGNING_TIME,
  trustSource: 'a test',
  signers: [`subject ${SUBJECT}, issuer ${ISSUER}`],
  require: 'any',
  warnings: [],
};

async function push(world: SigningWorld, reference: ImageReference, input: DraftInput, cut = false): Promise<void> {
  const subject = await world.registry.resolve(reference);
  const payload = encodeStatement(imageSignatureStatement(subject.digest, { team: 'shop' }));
  const json = encodeBundle(world.instance.signStatement(new Uint8Array(0), { ...input, payload }));
  await pushBundle(world.registry, reference, subject, cut ? json.slice(0, 40) : json, {
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    createdAt: SIGNING_TIME,
  });
}

const by = (uri: string): DraftInput => ({
  leaf: {
    names: [{ kind: 'uri', value: uri }],
    fulcio: { issuer: ISSUER, sourceRepositoryUri: 'https://github.com/acme/pay' },
  },
});

function examine(world: SigningWorld, reference: ImageReference): Promise<ExaminedImage> {
  return examineImage({
    registry: world.registry,
    reference,
    trustedRoot: world.instance.trustedRoot,
    policy: signaturePolicy({ kind: 'identities', identities: [ALICE] }),
    now: SIGNING_TIME,
  });
}

/** One image with a good signature, one by somebody else and a broken one; one signed by another only; one unsigned; one gone. */
async function mixed(t: TestContext): Promise<{ document: ReportDocument; examined: readonly ExaminedImage[] }> {
  const world = await signingWorld(t);
  const good = (await world.pushImage('good', 'a')).reference;
  await push(world, good, {});
  await push(world, good, by(`https://github.com/${encodeURI(HOSTILE)}`));
  await push(world, good, {}, true);
  const others = (await world.pushImage('others', 'b')).reference;
  await push(world, others, by('https://github.com/acme/pay/.github/workflows/sign.yml@refs/heads/main'));
  const unsigned = (await world.pushImage('unsigned', 'c')).reference;
  const closed = parseReference('127.0.0.1:1/closed/app:1');
  const examined = [];
  for (const reference of [good, others, unsigned, closed]) examined.push(await examine(world, reference));
  return {
    document: reportDocument(
      RUN,
      examined.map(({ report }) => report),
    ),
    examined,
  };
}

test('every document fits its published schema, and each line of JSONL does', async (t) => {
  const { document } = await mixed(t);
  assert.deepEqual(schemaProblems(SCHEMA, document), []);
  const lines = documentsBySubject(document);
  assert.deepEqual(
    lines.map(({ outcome }) => outcome),
    ['verified', 'refused', 'refused', 'could-not-check'],
  );
  for (const line of lines) assert.deepEqual(schemaProblems(SCHEMA, JSON.parse(JSON.stringify(line))), []);
  assert.equal(document.outcome, 'refused');
});

for (const [name, change] of [
  [
    'another schema',
    (document: Record<string, unknown>) => ({ ...document, schema: 'urn:sealwright:verify-report:v2' }),
  ],
  ['an unknown member', (document: Record<string, unknown>) => ({ ...document, more: 1 })],
  ['no subjects', ({ subjects, ...document }: Record<string, unknown>) => ({ ...document, was: subjects })],
  ['an outcome that is none', (document: Record<string, unknown>) => ({ ...document, outcome: 'fine' })],
] as const) {
  test(`the schema refuses ${name}`, async (t) => {
    const { document } = await mixed(t);
    assert.notDeepEqual(schemaProblems(SCHEMA, change({ ...document })), []);
  });
}

test('the report names each signature, who made it, its checks, and why the others do not count', async (t) => {
  const { document } = await mixed(t);
  const [good, others, unsigned, closed] = document.subjects;
  // The registry lists them by digest, which no two runs share.
  const codes = ['', 'IDENTITY_MISMATCH', 'FORMAT_BUNDLE'];
  const signatures = [...(good?.signatures ?? [])].sort(
    (a, b) => codes.indexOf(a.error?.code ?? '') - codes.indexOf(b.error?.code ?? ''),
  );
  assert.deepEqual(
    signatures.map(({ counts, error }) => [counts, error?.code]),
    [
      [true, undefined],
      [false, 'IDENTITY_MISMATCH'],
      [false, 'FORMAT_BUNDLE'],
    ],
  );
  const [first, second] = signatures;
  assert.equal(first?.format, 'Sigstore bundle 0.3');
  assert.deepEqual(first.annotations, { team: 'shop' });
  assert.equal(first.signer?.kind === 'certificate' && first.signer.proven, true);
  assert.deepEqual(
    first.checks.map(({ check }) => check),
    ['artifact', 'signature', 'log inclusion', 'timestamp', 'certificate chain', 'SCT', 'identity'],
  );
  // Everything but the identity was passed, and the name is still only a claim.
  assert.equal(second?.checks.length, 6);
  assert.equal(second.signer?.kind === 'certificate' && second.signer.proven, false);
  assert.equal(others?.error?.code, 'IDENTITY_MISMATCH');
  assert.equal(unsigned?.error?.code, 'NO_SIGNATURE');
  assert.equal(closed?.error?.code, 'REMOTE_UNREACHABLE');
  assert.ok(good);
  const told = reportLines(good).map(({ text }) => text);
  assert.ok(told.some((line) => line.includes(`is signed by ${SUBJECT}`)));
  assert.ok(told.some((line) => line.includes('passed over') && line.includes('IDENTITY_MISMATCH')));
  assert.ok(told.some((line) => line.includes('passed: artifact, signature')));
  assert.ok(told.every((line) => !/\p{Cc}/u.test(line)));
});

test('the table has a row for each signature and a verdict for each image', async (t) => {
  const { document } = await mixed(t);
  const verdicts = tableReport(document)
    .split('\n')
    .map((line) => line.slice(0, 12).trim());
  assert.deepEqual(verdicts, [
    'VERDICT',
    'verified',
    'passed over',
    'passed over',
    'REFUSED',
    'passed over',
    'REFUSED',
    'UNKNOWN',
  ]);
});

test('Markdown keeps the texts of strangers texts', async (t) => {
  const { document } = await mixed(t);
  const markdown = markdownReport(hostile(document));
  assert.match(markdown, /^## Signatures: 1 of 4 verified$/m);
  // Outside of code, an angle bracket would be mark-up and an at sign would call somebody.
  assert.doesNotMatch(markdown.replace(/(`+)[^\n]*?[^`]\1(?!`)/g, ''), /[@<]/);
  const rows = markdown.split('\n').filter((line) => line.startsWith('| verified |') || line.startsWith('| REFUSED |'));
  assert.equal(rows.length, 3);
  for (const row of rows) assert.equal(row.split('|').length, 5, row);
});

test('JUnit is well-formed XML: one suite an image, failures and errors counted', async (t) => {
  const { document } = await mixed(t);
  const xml = junitReport(hostile(document));
  assertWellFormed(xml);
  assert.equal(xml.match(/<testsuite /g)?.length, 4);
  assert.equal(xml.match(/<failure /g)?.length, 2);
  assert.equal(xml.match(/<error /g)?.length, 1);
  assert.match(xml, /<failure type="NO_SIGNATURE"/);
  for (const [suite = ''] of xml.matchAll(/<testsuite [^>]*>[\s\S]*?<\/testsuite>/g)) {
    assert.equal(suite.match(/<testcase /g)?.length, Number(/tests="(\d+)"/.exec(suite)?.[1]));
    assert.equal(suite.match(/<skipped /g)?.length ?? 0, Number(/skipped="(\d+)"/.exec(suite)?.[1]));
  }
});

test('SARIF has a rule for each code and a level that its kind allows', async (t) => {
  const { document } = await mixed(t);
  const sarif = JSON.parse(JSON.stringify(sarifReport(document))) as {
    version: string;
    runs: [
      {
        tool: { driver: { rules: { id: string }[] } };
        results: { ruleId: string; ruleIndex: number; kind: string; level: string; message: { text: string } }[];
      },
    ];
  };
  assert.equal(sarif.version, '2.1.0');
  const { tool, results } = sarif.runs[0];
  for (const { ruleId, ruleIndex, kind, level } of results) {
    assert.equal(tool.driver.rules[ruleIndex]?.id, ruleId);
    // SARIF 2.1.0 §3.27.10: a level other than none belongs to failures.
    assert.equal(level === 'none', kind !== 'fail');
  }
  assert.deepEqual(
    results.filter(({ level }) => level === 'error').map(({ ruleId }) => ruleId),
    ['IDENTITY_MISMATCH', 'NO_SIGNATURE'],
  );
  assert.equal(results.find(({ kind }) => kind === 'open')?.ruleId, 'REMOTE_UNREACHABLE');
});

test('GitHub gets ten annotations at most, the gravest first, and no command of a stranger', async (t) => {
  const { document } = await mixed(t);
  const many = hostile({ ...document, subjects: Array.from({ length: 6 }, () => document.subjects).flat() });
  const lines = githubAnnotations(many);
  const commands = lines.filter((line) => /^::(error|warning|notice) /.test(line));
  assert.equal(commands.length, 10);
  assert.ok(commands.every((line) => line.startsWith('::error ')));
  assert.match(lines[10] ?? '', /^::group::14 more/);
  assert.ok(lines.every((line) => !line.includes('\n') && !line.includes('\u001b')));
  assert.ok(lines.slice(11, -1).every((line) => !line.startsWith('::')));
  for (const line of commands) assert.doesNotMatch(line.replace(/^::error title=/, '').split('::')[0] ?? '', /[:,]/);
});

test("a summary stays below GitHub's limit and says that it was cut", async (t) => {
  const { document } = await mixed(t);
  const small = githubSummary(document);
  assert.doesNotMatch(small, /was cut/);
  const huge = githubSummary({ ...document, subjects: Array.from({ length: 2000 }, () => document.subjects).flat() });
  const bytes = Buffer.byteLength(huge);
  assert.ok(bytes <= 900 << 10 && bytes > 890 << 10, String(bytes));
  assert.match(huge, /was cut/);
  assert.equal(githubSummary(document, 10), '');
});

test("cosign's array has only what counts, and in its own words when it is to be cosign's", async (t) => {
  const { examined } = await mixed(t);
  const images = examined.flatMap(({ verified }) => (verified === undefined ? [] : [verified]));
  const [line = ''] = cosignReport(images, { format: 'json', compat: false });
  const payload = JSON.parse(line) as Record<string, unknown>[];
  assert.deepEqual(
    payload.map((element) => Object.keys(element)),
    [['critical', 'optional', 'format', 'checks', 'bundle']],
  );
  const compat = cosignReport(images, { format: 'json', compat: true });
  assert.equal(compat[0], '');
  assert.deepEqual((JSON.parse(compat[1] ?? '') as Record<string, unknown>[])[0]?.['optional'], { team: 'shop' });
  assert.equal(cosignReport(images, { format: 'text', compat: true }).length, 1);
  assert.deepEqual(cosignReport([], { format: 'json', compat: true }), []);
});

/** The same with a stranger's text wherever a stranger's text can stand. */
function hostile(document: ReportDocument): ReportDocument {
  return {
    ...document,
    subjects: document.subjects.map((subject) => ({
      ...subject,
      otherPredicateTypes: [HOSTILE],
      ...(subject.error === undefined ? {} : { error: { ...subject.error, found: HOSTILE, message: HOSTILE } }),
      signatures: subject.signatures.map((signature) => ({
        ...signature,
        location: HOSTILE,
        annotations: { [HOSTILE]: HOSTILE },
        checks: signature.checks.map((check) => ({ ...check, evidence: HOSTILE })),
        ...(signature.signer?.kind === 'certificate'
          ? { signer: { ...signature.signer, subjectAltNames: [HOSTILE], issuer: HOSTILE } }
          : {}),
      })),
    })),
  };
}

/** Balanced elements, quoted attributes, no stray mark-up or control characters: enough to catch a missing escape. */
function assertWellFormed(xml: string): void {
  assert.doesNotMatch(xml.replaceAll('\n', ''), /[\p{Cc}\ufffe\uffff]/u);
  const open: string[] = [];
  const rest = xml
    .replace(/^<\?xml[^?]*\?>/, '')
    .replace(
      /<(\/?)([a-z-]+)((?: [a-z]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)(\/?)>/g,
      (_, close: string, name: string, __: string, empty: string) => {
        if (close === '/') assert.equal(open.pop(), name);
        else if (empty !== '/') open.push(name);
        return '';
      },
    );
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest.replace(/&(amp|lt|gt|quot);/g, ''), /[<&]/);
}
