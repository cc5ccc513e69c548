/** What a mirror, or somebody on the way to it, may try (TUF §1.5.2), each with the error that it must end in. */
import assert from 'node:assert/strict';
import { MetadataKind, MetaFile, TargetFile } from '@tufjs/models';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { damaged } from '../../support/damage.ts';
import { generateKeys, signingConfig, temporaryFolder } from '../../servers/trust/repository.ts';
import { HostileMirror } from './hostile-mirror.ts';

const DAY_MS = 86_400_000;
const later = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const { Root, Snapshot, Targets, Timestamp } = MetadataKind;

interface Attack {
  readonly name: string;
  readonly code: string;
  /** The honest mirror is at its second version, which the client may have seen. */
  readonly mount: (mirror: HostileMirror, first: ReadonlyMap<string, Uint8Array>) => void;
  /** When the client looks. */
  readonly now?: Date;
  /** The client has never been here before. */
  readonly isFresh?: boolean;
  /** The metadata is the keepers' own, so it is stored; only the target is not what it should be. */
  readonly isAboutTarget?: boolean;
}

const meta = (version: number): MetaFile => new MetaFile({ version });

const ATTACKS: readonly Attack[] = [
  {
    name: 'rollback: the timestamp of before',
    code: 'TUF_ROLLBACK',
    mount: (mirror, first) => mirror.files.set('timestamp.json', first.get('timestamp.json')!),
  },
  {
    name: 'rollback: a new timestamp, by its own key, that names an older snapshot',
    code: 'TUF_ROLLBACK',
    mount: (mirror) => {
      mirror.forge(
        'timestamp.json',
        'timestamp.json',
        Timestamp,
        { version: 3, snapshotMeta: meta(1) },
        mirror.keys.timestamp,
      );
    },
  },
  {
    name: 'rollback: a new snapshot, by its own key, that names older targets',
    code: 'TUF_ROLLBACK',
    mount: (mirror) => {
      const { keys } = mirror;
      mirror.forge(
        '2.snapshot.json',
        '3.snapshot.json',
        Snapshot,
        { version: 3, meta: { 'targets.json': meta(1) } },
        keys.snapshot,
      );
      mirror.forge(
        'timestamp.json',
        'timestamp.json',
        Timestamp,
        { version: 3, snapshotMeta: meta(3) },
        keys.timestamp,
      );
    },
  },
  {
    name: 'rollback: the first root again as the second',
    code: 'TUF_ROLLBACK',
    mount: (mirror) => mirror.files.set('2.root.json', mirror.rootJson),
  },
  {
    name: 'a snapshot that has lost its targets',
    code: 'TUF_MISMATCH',
    mount: (mirror) => {
      const { keys } = mirror;
      mirror.forge('2.snapshot.json', '3.snapshot.json', Snapshot, { version: 3, meta: {} }, keys.snapshot);
      mirror.forge(
        'timestamp.json',
        'timestamp.json',
        Timestamp,
        { version: 3, snapshotMeta: meta(3) },
        keys.timestamp,
      );
    },
  },
  { name: 'freeze: a timestamp that is not renewed', code: 'TRUST_STALE', mount: () => undefined, now: later(8) },
  {
    name: 'freeze: a root that is not renewed',
    code: 'TRUST_STALE',
    mount: () => undefined,
    now: later(366),
    isFresh: true,
  },
  {
    name: 'freeze: an expired snapshot under a fresh timestamp',
    code: 'TRUST_STALE',
    mount: (mirror) => {
      const { keys } = mirror;
      mirror.forge(
        '2.snapshot.json',
        '3.snapshot.json',
        Snapshot,
        { version: 3, expires: '2020-01-01T00:00:00Z' },
        keys.snapshot,
      );
      mirror.forge(
        'timestamp.json',
        'timestamp.json',
        Timestamp,
        { version: 3, snapshotMeta: meta(3) },
        keys.timestamp,
      );
    },
  },
  {
    name: 'freeze: expired targets under a fresh snapshot',
    code: 'TRUST_STALE',
    mount: (mirror) => {
      const { keys } = mirror;
      mirror.forge(
        '2.targets.json',
        '3.targets.json',
        Targets,
        { version: 3, expires: '2020-01-01T00:00:00Z' },
        keys.targets,
      );
      mirror.forge(
        '2.snapshot.json',
        '3.snapshot.json',
        Snapshot,
        { version: 3, meta: { 'targets.json': meta(3) } },
        keys.snapshot,
      );
      mirror.forge(
        'timestamp.json',
        'timestamp.json',
        Timestamp,
        { version: 3, snapshotMeta: meta(3) },
        keys.timestamp,
      );
    },
  },
  {
    name: 'mix and match: the older snapshot under the newer name',
    code: 'TUF_MISMATCH',
    mount: (mirror, first) => mirror.files.set('2.snapshot.json', first.get('1.snapshot.json')!),
    isFresh: true,
  },
  {
    name: 'mix and match: the older targets under the newer name',
    code: 'TUF_MISMATCH',
    mount: (mirror, first) => mirror.files.set('2.targets.json', first.get('1.targets.json')!),
    isFresh: true,
  },
  {
    name: 'mix and match: another snapshot of the same version, by its own key',
    code: 'TUF_MISMATCH',
    mount: (mirror) => {
      mirror.forge(
        '2.snapshot.json',
        '2.snapshot.json',
        Snapshot,
        { expires: '2099-01-01T00:00:00Z' },
        mirror.keys.snapshot,
      );
    },
    isFresh: true,
  },
  {
    name: 'mix and match: another target under the right name',
    code: 'TUF_MISMATCH',
    mount: (mirror) => {
      const name = [...mirror.files.keys()].find(
        (file) => file.endsWith('signing_config.v0.2.json') && targetText(mirror, file).includes('example.two'),
      );
      mirror.files.set(name!, utf8(targetText(mirror, name!).replace('example.two', 'EXAMPLE.TWO')));
    },
    isFresh: true,
    isAboutTarget: true,
  },
  {
    name: 'a target cut short',
    code: 'TUF_MISMATCH',
    mount: (mirror) => {
      for (const name of mirror.files.keys()) {
        if (name.startsWith('targets/')) mirror.files.set(name, mirror.bytes(name).subarray(0, -1));
      }
    },
    isFresh: true,
    isAboutTarget: true,
  },
  {
    name: 'arbitrary software: a timestamp by nobody',
    code: 'TUF_SIGNATURE',
    mount: (mirror) => {
      mirror.forge('timestamp.json', 'timestamp.json', Timestamp, { version: 3 });
    },
  },
  {
    name: 'arbitrary software: a timestamp by the snapshot key',
    code: 'TUF_SIGNATURE',
    mount: (mirror) => {
      mirror.forge('timestamp.json', 'timestamp.json', Timestamp, { version: 3 }, mirror.keys.snapshot);
    },
  },
  {
    name: 'arbitrary software: a signature of the timestamp before, on new content',
    code: 'TUF_SIGNATURE',
    mount: (mirror) => {
      const text = Buffer.from(mirror.bytes('timestamp.json')).toString();
      mirror.files.set('timestamp.json', Buffer.from(text.replace('"version": 2', '"version": 3')));
    },
  },
  {
    name: 'arbitrary software: targets by a stranger',
    code: 'TUF_SIGNATURE',
    mount: (mirror) => {
      const { keys } = mirror;
      mirror.forge('2.targets.json', '3.targets.json', Targets, { version: 3 }, PrivateKey.generate('ed25519'));
      mirror.forge(
        '2.snapshot.json',
        '3.snapshot.json',
        Snapshot,
        { version: 3, meta: { 'targets.json': meta(3) } },
        keys.snapshot,
      );
      mirror.forge(
        'timestamp.json',
        'timestamp.json',
        Timestamp,
        { version: 3, snapshotMeta: meta(3) },
        keys.timestamp,
      );
    },
  },
  {
    name: 'a second root by a stranger',
    code: 'TUF_SIGNATURE',
    mount: (mirror) => {
      mirror.forge('1.root.json', '2.root.json', Root, { version: 2 }, PrivateKey.generate('ed25519'));
    },
  },
  {
    name: 'a second root by the timestamp key',
    code: 'TUF_SIGNATURE',
    mount: (mirror) => {
      mirror.forge('1.root.json', '2.root.json', Root, { version: 2 }, mirror.keys.timestamp);
    },
  },
  {
    name: 'a root that leaves one version out',
    code: 'TUF_MISMATCH',
    mount: (mirror) => {
      mirror.forge('1.root.json', '2.root.json', Root, { version: 3 }, mirror.keys.root);
    },
  },
  {
    name: 'a snapshot in place of the timestamp',
    code: 'FORMAT_TUF',
    mount: (mirror) => mirror.files.set('timestamp.json', mirror.bytes('2.snapshot.json')),
  },
  {
    name: 'a member twice',
    code: 'FORMAT_TUF',
    mount: (mirror) => {
      const text = Buffer.from(mirror.bytes('timestamp.json')).toString();
      mirror.files.set('timestamp.json', Buffer.from(text.replace('"signed"', '"signed":{},"signed"')));
    },
  },
  ...['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'].map((name): Attack => ({
    name: `endless data: ${name}`,
    code: 'REMOTE_BODY',
    mount: (mirror) => mirror.files.set(name, 'endless'),
    isFresh: true,
  })),
  {
    name: 'endless data: a target',
    code: 'REMOTE_BODY',
    mount: (mirror) => {
      for (const name of mirror.files.keys()) if (name.startsWith('targets/')) mirror.files.set(name, 'endless');
    },
    isFresh: true,
    isAboutTarget: true,
  },
  ...['timestamp.json', '2.snapshot.json', '2.targets.json'].flatMap((name): Attack[] => [
    { name: `no ${name}`, code: 'REMOTE_STATUS', mount: (mirror) => mirror.files.delete(name), isFresh: true },
    {
      name: `500 for ${name}`,
      code: 'REMOTE_STATUS',
      mount: (mirror) => mirror.files.set(name, { status: 500 }),
      isFresh: true,
    },
  ]),
  {
    name: '500 for the next root, which is not the same as none',
    code: 'REMOTE_STATUS',
    mount: (mirror) => mirror.files.set('2.root.json', { status: 500 }),
  },
];

function targetText(mirror: HostileMirror, name: string): string {
  return Buffer.from(mirror.bytes(name)).toString();
}

function contents(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    names.flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() && !entry.name.includes('lock') ? [[path, readFileSync(path, 'utf8')]] : [];
    }),
  );
}

for (const attack of ATTACKS) {
  test(`${attack.name}: ${attack.code}, and the cache stays as it was`, async (t) => {
    const mirror = await HostileMirror.create(t);
    const first = new Map([...mirror.files.keys()].map((name) => [name, mirror.bytes(name)]));
    await mirror.advance('example.two');
    const cache = temporaryFolder(t);
    if (attack.isFresh !== true) assert.equal(await mirror.fetch(cache), signingConfig('example.two'));
    const before = contents(cache);
    attack.mount(mirror, first);
    await assert.rejects(mirror.fetch(cache, attack.now === undefined ? {} : { now: attack.now }), {
      code: attack.code,
    });
    if (attack.isAboutTarget !== true) assert.deepEqual(contents(cache), before);
    else assert.ok([...contents(cache).keys()].every((path) => !path.includes('/targets/')));
    // Once it is over, the same cache is good again.
    mirror.copy();
    assert.equal(await mirror.fetch(cache), signingConfig('example.two'));
  });
}

test('a target beyond any size is not asked for, whoever signs it', async (t) => {
  const mirror = await HostileMirror.create(t);
  const { keys } = mirror;
  const path = 'signing_config.v0.2.json';
  const target = new TargetFile({ path, length: 1 << 30, hashes: { sha256: encodeHex(sha256(utf8('x'))) } });
  mirror.forge('1.targets.json', '2.targets.json', Targets, { version: 2, targets: { [path]: target } }, keys.targets);
  const named = { 'targets.json': meta(2) };
  mirror.forge('1.snapshot.json', '2.snapshot.json', Snapshot, { version: 2, meta: named }, keys.snapshot);
  mirror.forge('timestamp.json', 'timestamp.json', Timestamp, { version: 2, snapshotMeta: meta(2) }, keys.timestamp);
  await assert.rejects(mirror.fetch(undefined), { code: 'TUF_MISMATCH' });
  assert.ok(mirror.seen.every((request) => !request.includes('targets/')));
});

test('a mirror of somebody else is refused whatever it serves', async (t) => {
  const ours = await HostileMirror.create(t);
  const theirs = await HostileMirror.create(t, { keys: generateKeys() });
  await assert.rejects(theirs.fetch(undefined, { root: ours.rootJson }), { code: 'TUF_SIGNATURE' });
});

test('a first root that is not signed by itself is refused', async (t) => {
  const mirror = await HostileMirror.create(t);
  mirror.forge('1.root.json', 'forged', Root, {}, PrivateKey.generate('ed25519'));
  await assert.rejects(mirror.fetch(undefined, { root: mirror.bytes('forged') }), { code: 'TUF_SIGNATURE' });
  for (const text of ['', '{}', '[]', 'null', '{"signed":{},"signatures":[]}']) {
    await assert.rejects(mirror.fetch(undefined, { root: Buffer.from(text) }), { code: 'FORMAT_TUF' }, text);
  }
});

test('an expired first root is no fault when the mirror has a newer one', async (t) => {
  const mirror = await HostileMirror.create(t, { now: () => new Date('2020-01-01T00:00:00Z') });
  await mirror.advance('renewed');
  assert.equal(await mirror.fetch(undefined), signingConfig('renewed'));
});

for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
  test(`every damage to ${name} is refused, or changes nothing that is signed`, async (t) => {
    const mirror = await HostileMirror.create(t);
    const good = mirror.bytes(name);
    const codes = new Set<string>();
    let count = 0;
    for (const bytes of damaged(good)) {
      // One in fifteen: each is a whole run of the client.
      if (count++ % 15 !== 0) continue;
      mirror.files.set(name, bytes);
      try {
        assert.equal(await mirror.fetch(undefined), signingConfig());
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error, String(error));
        codes.add(String(error.code));
      }
    }
    assert.ok(codes.size > 0);
    const expected = ['FORMAT_TUF', 'TUF_SIGNATURE', 'TUF_MISMATCH', 'TUF_ROLLBACK', 'REMOTE_BODY'];
    for (const code of codes) assert.ok(expected.includes(code), code);
  });
}

test('every damage to a next root is refused, or changes nothing that is signed', async (t) => {
  const mirror = await HostileMirror.create(t);
  const rotated = { ...mirror.keys, root: PrivateKey.generate('ed25519'), timestamp: PrivateKey.generate('ed25519') };
  await mirror.advance('example.two', { ...rotated, previousRoot: mirror.keys.root });
  const codes = new Set<string>();
  let count = 0;
  for (const bytes of damaged(mirror.bytes('2.root.json'))) {
    if (count++ % 40 !== 0) continue;
    mirror.files.set('2.root.json', bytes);
    try {
      assert.equal(await mirror.fetch(undefined), signingConfig('example.two'));
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error, String(error));
      codes.add(String(error.code));
    }
  }
  for (const code of codes) assert.ok(['FORMAT_TUF', 'TUF_SIGNATURE', 'TUF_MISMATCH'].includes(code), code);
  assert.ok(codes.has('FORMAT_TUF') && codes.has('TUF_SIGNATURE'));
});
