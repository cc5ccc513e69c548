/**
 * A trusted root that changes under a running webhook: rotated in a real TUF repository, exchanged as a file, in a stack's folder; and
 * everything that must replace nothing.
 */
import assert from 'node:assert/strict';
import { MetadataKind } from '@tufjs/models';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { SealwrightError } from '../../../src/errors.ts';
import { recordStack } from '../../../src/io/tuf/recorded-stack.ts';
import { HostileMirror } from '../../io/tuf/hostile-mirror.ts';
import { generateKeys, signingConfig, temporaryFolder } from '../trust/repository.ts';
import { fingerprint, Signers, type FollowedDoor } from './followed-trust.ts';

const DAY_MINUTES = 24 * 60;

/** A mirror with the first signer's root, and a webhook that was told it with a fingerprint. */
async function pinned(t: TestContext): Promise<{ signers: Signers; mirror: HostileMirror; door: FollowedDoor }> {
  const signers = await Signers.open(t);
  const mirror = await HostileMirror.create(t, { trustedRoot: signers.first });
  const door = await signers.follow(t, { trust: `${await mirror.url()}#${fingerprint(mirror.rootJson)}` });
  return { signers, mirror, door };
}

function codeOf({ trust }: FollowedDoor): string | undefined {
  return trust.view().failure?.code;
}

test('what the repository rotates is in force with the next look; evidence is judged anew, not fetched', async (t) => {
  const { signers, mirror, door } = await pinned(t);
  const refusal = (await door.decisions())[1];
  assert.deepEqual(await door.decisions(), ['admitted', refusal]);
  assert.notEqual(refusal, 'admitted');
  await mirror.advance('two', mirror.keys, { trustedRoot: signers.both });
  await door.look();
  door.world.taken();
  assert.deepEqual(await door.decisions(), ['admitted', 'admitted']);
  assert.deepEqual(door.world.taken(), [], 'what was found before passes under the new root as it is');
  // The first signer's keys are gone, and so is what they signed; the registry is asked before that is said.
  await mirror.advance('three', mirror.keys, { trustedRoot: signers.second });
  await door.look();
  assert.deepEqual(await door.decisions(), [refusal, 'admitted']);
  assert.ok(door.world.taken().every((request) => request.includes('/shop/first/')));
  assert.deepEqual(
    door.events.map(({ reason }) => reason),
    ['TrustChanged', 'TrustChanged'],
  );
  const [, gone] = door.recorder.lines;
  assert.equal(
    (gone?.facts['removed'] as readonly string[]).length,
    signers.world.instance.trustedRoot.tlogs.length + 3,
  );
  assert.match(
    await door.metrics(),
    new RegExp(`^sealwright_trusted_root_info{sha256="${fingerprint(signers.second)}"} 1$`, 'm'),
  );
});

test('the keepers rotate the root key as well, and the webhook follows the chain', async (t) => {
  const { signers, mirror, door } = await pinned(t);
  const keys = { ...generateKeys('ed25519'), previousRoot: mirror.keys.root };
  await mirror.advance('two', keys, { trustedRoot: signers.second });
  await door.look();
  assert.equal(codeOf(door), undefined);
  assert.equal((await door.decisions())[1], 'admitted');
});

test('the same root again stays the same value, so that nothing is verified twice', async (t) => {
  const { signers, mirror, door } = await pinned(t);
  const { trustedRoot } = door.trust.view();
  await mirror.advance('only the signing config is another', mirror.keys, { trustedRoot: signers.first });
  await door.look();
  assert.equal(door.trust.view().trustedRoot, trustedRoot);
  assert.equal(door.trust.current().signingConfig?.caUrls[0]?.operator, 'only the signing config is another');
  assert.deepEqual([door.recorder.lines, door.events], [[], []]);
});

interface Bad {
  readonly name: string;
  readonly code: string;
  readonly spoil: (setting: { signers: Signers; mirror: HostileMirror; before: Map<string, Uint8Array> }) => void;
  /** By when the webhook looks. */
  readonly afterMinutes?: number;
  /** How loud it is at once: a mirror that is away may be a hiccup. */
  readonly level?: 'warn';
}

const stranger = PrivateKey.generate('ed25519');
const BAD: readonly Bad[] = [
  {
    name: 'truncated',
    code: 'FORMAT_TUF',
    spoil: ({ mirror }) => mirror.files.set('timestamp.json', mirror.bytes('timestamp.json').subarray(0, 200)),
  },
  {
    name: 'signed by a stranger',
    code: 'TUF_SIGNATURE',
    spoil: ({ mirror }) => {
      mirror.forge('timestamp.json', 'timestamp.json', MetadataKind.Timestamp, {}, stranger);
    },
  },
  {
    name: 'a next root that is not signed by the keepers of this one',
    code: 'TUF_SIGNATURE',
    spoil: ({ mirror }) => {
      mirror.forge('1.root.json', '2.root.json', MetadataKind.Root, { version: 2 }, stranger);
    },
  },
  {
    name: 'expired',
    code: 'TRUST_STALE',
    spoil: () => undefined,
    afterMinutes: 8 * DAY_MINUTES,
  },
  {
    name: 'rolled back',
    code: 'TUF_ROLLBACK',
    spoil: ({ mirror, before }) => {
      mirror.files.clear();
      for (const [name, bytes] of before) mirror.files.set(name, bytes);
    },
  },
  {
    name: 'rolled back, when the folder that knew better is gone',
    code: 'TUF_ROLLBACK',
    spoil: ({ signers, mirror, before }) => {
      mirror.files.clear();
      for (const [name, bytes] of before) mirror.files.set(name, bytes);
      rmSync(join(signers.home, 'tuf'), { recursive: true });
    },
  },
  {
    name: 'the trusted root has another digest than the targets say',
    code: 'TUF_MISMATCH',
    spoil: ({ signers, mirror, before }) => {
      // As long as it should be, and of the keepers' own making.
      const name = `targets/${fingerprint(signers.both)}.trusted_root.json`;
      mirror.files.set(name, Buffer.alloc(mirror.bytes(name).length, before.get('1.root.json') ?? ''));
      rmSync(join(signers.home, 'tuf'), { recursive: true });
    },
  },
  {
    name: 'without a file',
    code: 'REMOTE_STATUS',
    spoil: ({ mirror }) => mirror.files.delete('timestamp.json'),
    level: 'warn',
  },
  {
    name: 'down',
    code: 'REMOTE_STATUS',
    spoil: ({ mirror }) => {
      for (const name of mirror.files.keys()) mirror.files.set(name, { status: 503 });
      mirror.files.set('2.root.json', { status: 503 });
    },
    level: 'warn',
  },
];

for (const { name, code, spoil, afterMinutes, level } of BAD) {
  test(`a repository that is ${name}: ${code}, the last good root stays, and a good one takes its place later`, async (t) => {
    const signers = await Signers.open(t);
    const mirror = await HostileMirror.create(t, { trustedRoot: signers.second });
    const before = new Map([...mirror.files.keys()].map((file) => [file, mirror.bytes(file)]));
    await mirror.advance('two', mirror.keys, { trustedRoot: signers.first });
    const door = await signers.follow(t, { trust: `${await mirror.url()}#${fingerprint(mirror.rootJson)}` });
    const decided = await door.decisions();
    assert.equal(decided[0], 'admitted');
    assert.notEqual(decided[1], 'admitted');
    if (name.startsWith('the trusted root')) await mirror.advance('three', mirror.keys, { trustedRoot: signers.both });
    spoil({ signers, mirror, before });
    await door.look(afterMinutes);
    assert.equal(codeOf(door), code);
    assert.deepEqual(await door.decisions(), decided);
    const [line] = door.recorder.lines;
    assert.deepEqual([line?.level, (line?.facts['error'] as SealwrightError).code], [level ?? 'error', code]);
    assert.match(await door.metrics(), new RegExp(`^sealwright_trusted_root_failures_total{code="${code}"} 1$`, 'm'));
    const age = Number(/^sealwright_trusted_root_age_seconds (\S+)$/m.exec(await door.metrics())?.[1]);
    assert.equal(Math.round(age / 60), afterMinutes ?? 10, 'the age of what is known rises');
    // The same again is one line and one text; a hiccup of more than an hour is none.
    await door.look(1);
    assert.equal(door.recorder.lines.length, 1);
    assert.equal(new Set(door.events.map(({ message }) => message)).size, 1);
    assert.match(door.events[0]?.message ?? '', new RegExp(`^${code} .*decisions go on by the trusted root`));
    await door.look(61);
    assert.equal(door.recorder.lines.at(-1)?.level, 'error');
    const later = (afterMinutes ?? 10) + 62;
    mirror.copy();
    const now = (): Date => new Date(Date.now() + later * 60_000);
    await mirror.advance('four', mirror.keys, { trustedRoot: signers.second, now });
    await door.look(1);
    assert.equal(codeOf(door), undefined);
    assert.equal((await door.decisions())[1], 'admitted');
  });
}

/** A file as a ConfigMap is mounted: a link to a link to a folder, the last of which is exchanged. */
class MountedRoot {
  readonly path: string;
  readonly #folder: string;
  #count = 0;

  constructor(t: TestContext, text: string) {
    this.#folder = temporaryFolder(t);
    this.path = join(this.#folder, 'trusted_root.json');
    this.update(text);
    symlinkSync('..data/trusted_root.json', this.path);
  }

  update(text: string): void {
    const name = `..${this.#count++}`;
    mkdirSync(join(this.#folder, name));
    writeFileSync(join(this.#folder, name, 'trusted_root.json'), text);
    symlinkSync(name, join(this.#folder, '..data_tmp'));
    renameSync(join(this.#folder, '..data_tmp'), join(this.#folder, '..data'));
  }

  remove(): void {
    rmSync(join(this.#folder, '..data'));
  }
}

test('a mounted file that is replaced is in force with the next look, and nothing is fetched', async (t) => {
  const signers = await Signers.open(t);
  const file = new MountedRoot(t, signers.first);
  const door = await signers.follow(t, { trustedRoot: file.path });
  const [, refusal] = await door.decisions();
  file.update(signers.both);
  await door.look(0);
  door.world.taken();
  assert.deepEqual(await door.decisions(), ['admitted', 'admitted']);
  assert.deepEqual(door.world.taken(), []);
  // A file is the word of whoever may write it: also where that takes something back.
  file.update(signers.second);
  await door.look(0);
  assert.deepEqual(await door.decisions(), [refusal, 'admitted']);
});

const BAD_FILES: readonly (readonly [name: string, code: string, change: (file: MountedRoot, good: string) => void])[] =
  [
    [
      'truncated',
      'FORMAT_TRUSTED_ROOT',
      (file, good) => {
        file.update(good.slice(0, good.length / 2));
      },
    ],
    [
      'empty',
      'FORMAT_TRUSTED_ROOT',
      (file) => {
        file.update('');
      },
    ],
    [
      'of another kind',
      'FORMAT_TRUSTED_ROOT',
      (file) => {
        file.update(signingConfig());
      },
    ],
    [
      'damaged in a certificate',
      'FORMAT_TRUSTED_ROOT',
      (file, good) => {
        file.update(good.replace(/"rawBytes": "MII/, '"rawBytes": "NII'));
      },
    ],
    [
      'too large',
      'USAGE_FILE',
      (file) => {
        file.update(' '.repeat((4 << 20) + 1));
      },
    ],
    [
      'gone',
      'USAGE_FILE',
      (file) => {
        file.remove();
      },
    ],
  ];

for (const [name, code, change] of BAD_FILES) {
  test(`a file that is ${name}: ${code}, and the last good root stays`, async (t) => {
    const signers = await Signers.open(t);
    const file = new MountedRoot(t, signers.first);
    const door = await signers.follow(t, { trustedRoot: file.path });
    const decided = await door.decisions();
    change(file, signers.both);
    await door.look(0);
    assert.equal(codeOf(door), code);
    assert.deepEqual(await door.decisions(), decided);
    assert.equal(door.recorder.lines[0]?.level, 'error', 'no hiccup of a network');
    assert.deepEqual(
      door.events.map(({ reason }) => reason),
      ['TrustNotRenewed'],
    );
    file.update(signers.both);
    await door.look(0);
    assert.deepEqual(await door.decisions(), ['admitted', 'admitted']);
    assert.equal(codeOf(door), undefined);
  });
}

function writeStack(dir: string, trustedRoot: string): void {
  mkdirSync(join(dir, 'trust'), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, 'trust', 'trusted_root.json'), trustedRoot, { mode: 0o600 });
  writeFileSync(join(dir, 'trust', 'signing_config.v0.2.json'), signingConfig(), { mode: 0o600 });
}

test('the recorded stack is followed, and stays the one that was chosen whatever is recorded later', async (t) => {
  const signers = await Signers.open(t);
  const [own, other] = [temporaryFolder(t), temporaryFolder(t)];
  writeStack(own, signers.first);
  writeStack(other, signers.second);
  const config = join(signers.home, '.config', 'sealwright');
  await recordStack(config, own);
  const door = await signers.follow(t, {});
  const decided = await door.decisions();
  // Somebody starts another stack, or forgets this one: then Sigstore's public instance would be next in the order.
  await recordStack(config, other);
  await door.look();
  assert.deepEqual(await door.decisions(), decided);
  rmSync(join(config, 'stack.json'));
  await door.look();
  assert.deepEqual([await door.decisions(), codeOf(door)], [decided, undefined]);
  rmSync(join(own, 'trust'), { recursive: true });
  await door.look();
  assert.deepEqual([await door.decisions(), codeOf(door)], [decided, 'USAGE_NO_TRUST']);
  writeStack(own, signers.both);
  await door.look();
  assert.deepEqual(await door.decisions(), ['admitted', 'admitted']);
});

test('the mirror of the environment stays the one that was chosen, without the file that first named its root', async (t) => {
  const signers = await Signers.open(t);
  const mirror = await HostileMirror.create(t, { trustedRoot: signers.first });
  const rootFile = join(temporaryFolder(t), 'root.json');
  writeFileSync(rootFile, mirror.rootJson);
  const door = await signers.follow(t, {}, { TUF_MIRROR: await mirror.url(), TUF_ROOT_JSON: rootFile });
  rmSync(rootFile);
  rmSync(join(signers.home, 'tuf'), { recursive: true });
  await mirror.advance('two', mirror.keys, { trustedRoot: signers.both });
  await door.look();
  assert.deepEqual([await door.decisions(), codeOf(door)], [['admitted', 'admitted'], undefined]);
});

test('a mirror that was asked less than five minutes ago is not asked again', async (t) => {
  const { signers, mirror, door } = await pinned(t);
  await mirror.advance('two', mirror.keys, { trustedRoot: signers.both });
  const asked = mirror.seen.length;
  await door.look(4);
  assert.equal(mirror.seen.length, asked);
  await door.look(2);
  assert.deepEqual(await door.decisions(), ['admitted', 'admitted']);
});
