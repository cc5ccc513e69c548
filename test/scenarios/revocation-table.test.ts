/** The table of revocations asked of the webhook, the command line and an audit: real registry, real snapshot, one answer. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { JsonFields } from '../../src/core/encoding/json-fields.ts';
import { parseImageException, type ImageException } from '../../src/core/policy/objects/image-exception.ts';
import { RevocationHistory } from '../../src/core/revocation/revocation-history.ts';
import { RevocationIndex } from '../../src/core/revocation/revocation-index.ts';
import type { RevocationStatement } from '../../src/core/revocation/revocation-statement.ts';
import type { RevocationView } from '../../src/workflows/admission/revocation-state.ts';
import { digestName } from '../cli/running-cluster.ts';
import { openDoor } from '../servers/webhook/door.ts';
import { ask, pod } from '../servers/webhook/review.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { LONG_KEY, SIGNATURES } from '../support/revocation-signatures.ts';
import { refusal, statementsOf, TABLE, type Row } from '../support/revocation-table.ts';
import { Authority, revocation } from '../support/revocations.ts';

/** Everybody of the issuer, and the long key: what a row is about is never whether policies accept the signer. */
function policy({ host }: World): string {
  const pem = LONG_KEY.publicKey.toPem().trim().replaceAll('\n', '\n          ');
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "${host}/**"}]
  authorities:
    - keyless: {identities: [{issuer: "${ISSUER}", subjectRegExp: ".*"}]}
    - key:
        data: |
          ${pem}
`;
}

/** One image for each set of signatures. */
class SignedImages {
  readonly #world: World;
  readonly #known = new Map<string, ImageReference>();

  constructor(world: World) {
    this.#world = world;
  }

  async of({ signatures }: Row): Promise<ImageReference> {
    const name = `shop/${signatures.join('-').toLowerCase()}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const image = await this.#world.push(name);
    for (const one of signatures) await this.#world.sign(image, SIGNATURES[one](this.#world.instance));
    this.#known.set(name, image);
    return image;
  }
}

test('the webhook', async (t) => {
  let view: RevocationView = {
    index: new RevocationIndex([]),
    version: 1,
    freshness: undefined,
    staleness: { effect: 'none' },
  };
  const { world, webhook, enforce } = await openDoor(t, { revocations: { view: () => view, mount: () => undefined } });
  enforce(policy(world));
  const images = new SignedImages(world);
  for (const row of TABLE) {
    await t.test(`${row.outcome}: ${row.name}`, async () => {
      const image = await images.of(row);
      const on = { instance: world.instance, digest: image.digest!.toString() };
      view = { ...view, index: new RevocationIndex(new RevocationHistory(statementsOf(row, on)).inForce) };
      const answer = await ask(webhook.routes, 'validate', { object: pod(image.toString()) });
      const id = refusal(row);
      assert.equal(answer.allowed, id === undefined, answer.message);
      if (id !== undefined) {
        assert.equal(answer.code, 403);
        assert.match(answer.message, /^REVOKED /);
        assert.match(statementIn(answer.message), id);
      } else if (row.outcome === 'warned') assert.match(answer.warnings.join(' '), /^REVOKED .*statement s0 of/);
      else assert.deepEqual(answer.warnings, []);
    });
  }
});

/** The identifier that a refusal names. */
function statementIn(text: string): string {
  return /statement (\S+) of 2026-06-02/.exec(text)?.[1] ?? '';
}

/** What is excepted, and of a revoked image or signature, what becomes of it. */
const EXCEPTIONS: readonly (readonly [
  kind: 'ImageException' | 'BreakGlass',
  about: 'image' | 'signature',
  allowed: boolean,
])[] = [
  ['ImageException', 'image', false],
  ['ImageException', 'signature', false],
  ['BreakGlass', 'image', true],
  ['BreakGlass', 'signature', true],
];

test('exceptions come last, and broken glass alone sets a revocation aside', async (t) => {
  let exceptions: readonly ImageException[] = [];
  let index = new RevocationIndex([]);
  const view = (): RevocationView => ({ index, version: 1, freshness: undefined, staleness: { effect: 'none' } });
  const { world, webhook, enforce } = await openDoor(t, {
    revocations: { view, mount: () => undefined },
    exceptions: () => exceptions,
  });
  enforce(policy(world));
  const image = await world.pushSigned('shop/app');
  const digests = [image.digest!.toString()];
  const day = (offset: number): string => `${new Date(Date.now() + offset * 24 * HOUR).toISOString().slice(0, 19)}Z`;
  const spec = { owner: 'pay', reason: 'down', ticket: 'PAY-1', from: day(-1), expires: day(1), digests };
  for (const [kind, about, allowed] of EXCEPTIONS) {
    await t.test(`${kind} for a revoked ${about}: ${allowed ? 'admitted, with a warning' : 'refused'}`, async () => {
      const made = { apiVersion: 'sealwright.dev/v1alpha1', kind, metadata: { name: 'x', namespace: 'shop' }, spec };
      exceptions = [parseImageException(new JsonFields(made, 'exception', 'FORMAT_POLICY'))];
      const selector = about === 'image' ? { digest: digests } : { identity: { issuer: ISSUER, subject: SUBJECT } };
      index = new RevocationIndex([revocation(selector)]);
      const answer = await ask(webhook.routes, 'validate', { object: pod(image.toString()) });
      assert.equal(answer.allowed, allowed, answer.message);
      assert.match(allowed ? answer.warnings.join('\n') : answer.message, /REVOKED/);
    });
  }
});

interface Lab {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly images: SignedImages;
  /** Writes what was said as the newest snapshot of an authority of its own. @returns the flags that name it */
  readonly publish: (statements: readonly RevocationStatement[], ageMs?: number) => Promise<readonly string[]>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(sandbox.path('policy.yaml'), policy(world));
  writeFileSync(sandbox.path('long.pub'), LONG_KEY.publicKey.toPem());
  let count = 0;
  const publish: Lab['publish'] = async (statements, ageMs = 0) => {
    const name = `r${++count}`;
    const people = new Authority(world.instance, ['ann', 'ben'], { narrow: 1, broad: 2, relaxing: 2 });
    const issuedAt = new Date(Date.now() - ageMs);
    const snapshot = await people.snapshot({
      issuedAt,
      expires: new Date(issuedAt.getTime() + HOUR),
      statements: statements.map((statement) => people.sign(statement, ['ann', 'ben'])),
    });
    writeFileSync(sandbox.path(`${name}.json`), snapshot);
    writeFileSync(sandbox.path(`${name}-authority.json`), encodeRevocationAuthority(people.authority));
    return ['--revocations', `${name}.json`, '--revocation-authority', `${name}-authority.json`];
  };
  return { world, sandbox, images: new SignedImages(world), publish };
}

const HOUR = 3_600_000;
const REVOKED = 21;

function verify(lab: Lab, row: Row, image: ImageReference, known: readonly string[]): Promise<Ended> {
  const isKey = row.signatures.every((name) => name.startsWith('key'));
  const who = isKey
    ? ['--key', 'long.pub']
    : ['--certificate-identity-regexp', '.*', '--certificate-oidc-issuer', ISSUER];
  return lab.sandbox.run(['verify', '--trusted-root', 'root.json', ...who, ...known, digestName(image)]);
}

interface Audited {
  readonly state: string;
  readonly code?: string;
  readonly reason?: string;
}

async function audit(lab: Lab, image: ImageReference, known: readonly string[]): Promise<Audited> {
  const take = ['audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', '--trusted-root', 'root.json'];
  const ended = await lab.sandbox.run([...take, '-o', 'json', ...known, digestName(image)]);
  // Nothing is counted by what nobody knows.
  if (errorCode(ended) === 'TRUST_STALE') return { state: 'none', code: 'TRUST_STALE' };
  assert.equal(ended.exitCode, 0, ended.stderr);
  const [entry] = (JSON.parse(ended.stdout) as { entries: readonly Audited[] }).entries;
  assert.ok(entry !== undefined);
  return entry;
}

test('the command line, and an audit', async (t) => {
  const lab = await openLab(t);
  for (const row of TABLE.filter(({ isTold }) => isTold)) {
    await t.test(`${row.outcome}: ${row.name}`, async () => {
      const image = await lab.images.of(row);
      const known = await lab.publish(
        statementsOf(row, { instance: lab.world.instance, digest: image.digest!.toString() }),
      );
      const [verified, audited] = await Promise.all([verify(lab, row, image, known), audit(lab, image, known)]);
      const id = refusal(row);
      if (id === undefined) {
        assert.equal(verified.exitCode, 0, verified.stderr);
        assert.equal(audited.state, 'verified', audited.reason ?? '');
        return;
      }
      assert.deepEqual([verified.exitCode, errorCode(verified)], [REVOKED, 'REVOKED'], verified.stderr);
      assert.match(statementIn(verified.stderr), id);
      assert.deepEqual([audited.state, audited.code], ['revoked', 'REVOKED'], audited.reason ?? '');
      assert.match(audited.reason ?? '', /ci-compromise/);
    });
  }
});

/** How old the news are, whether the image is revoked, and what everybody says of it: verified, refused, or with a warning. */
const STALE: readonly (readonly [
  name: string,
  hours: number,
  isRevoked: boolean,
  more: readonly string[],
  code: string,
])[] = [
  ['news of this hour', 0, false, [], ''],
  ['news that ended an hour ago: a day of grace', 2, false, [], ''],
  ['no grace where none is wanted', 2, false, ['--stale-revocations', 'enforce'], 'TRUST_STALE'],
  ['a longer grace', 30, false, ['--revocations-max-age', '48h'], ''],
  ['news that ended more than a day ago', 30, false, [], 'TRUST_STALE'],
  ['old news that only warn', 30, false, ['--stale-revocations', 'warn'], ''],
  ['a clock that is behind the snapshot: news of tomorrow', -24, false, [], ''],
  ['a clock that is behind, and no grace', -24, false, ['--stale-revocations', 'enforce'], 'TRUST_STALE'],
  ['what is known never lapses', 3000, true, ['--stale-revocations', 'warn'], 'REVOKED'],
  ['nothing is decided by what is too old, and nothing made good', 30, true, [], 'TRUST_STALE'],
];

test('how old the news are: the command line, and an audit', async (t) => {
  const lab = await openLab(t);
  const [row] = TABLE;
  assert.ok(row !== undefined);
  const image = await lab.images.of(row);
  for (const [name, hours, isRevoked, more, code] of STALE) {
    await t.test(name, async () => {
      const stolen = revocation({ identity: { issuer: ISSUER, subject: SUBJECT } });
      const known = [...(await lab.publish(isRevoked ? [stolen] : [], hours * HOUR)), ...more];
      const [verified, audited] = await Promise.all([verify(lab, row, image, known), audit(lab, image, known)]);
      assert.equal(errorCode(verified), code, verified.stderr);
      assert.equal(verified.exitCode, { '': 0, REVOKED, TRUST_STALE: 22 }[code], verified.stderr);
      if (!isRevoked) assert.equal(verified.stderr.includes('nobody knows whether'), hours !== 0);
      assert.equal(audited.code ?? '', code, audited.reason ?? '');
      assert.equal(audited.state, { '': 'verified', REVOKED: 'revoked', TRUST_STALE: 'none' }[code]);
    });
  }
});
