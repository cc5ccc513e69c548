/** TUF repositories as policy-controller's `TrustRoot` names them: packed into the object, or at a URL. */
import { parseAdmissionReview, type AdmissionAnswer } from '../../../src/core/wire/admission-review.ts';
import { reviewPolicy } from '../../../src/servers/webhook/policy-review.ts';
import { readTrustRoot } from '../../../src/workflows/trust/trust-root-source.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { concatBytes, utf8 } from '../../../src/core/encoding/bytes.ts';
import { NO_REFERENCES } from '../../../src/core/policy/judgement/policy-material.ts';
import type { TrustRootSource } from '../../../src/core/policy/cluster-image/trust-root-parser.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { archiveMirror } from '../../../src/io/tuf/archive-mirror.ts';
import { resolveReferences } from '../../../src/workflows/admission/policy-references.ts';
import { HostileMirror } from './hostile-mirror.ts';

/** POSIX ustar, as far as a repository needs it; long names as PAX writes them, or GNU. */
function tar(files: ReadonlyMap<string, Uint8Array>, type = '0', longNames: 'pax' | 'gnu' = 'pax'): Uint8Array {
  const all: (readonly [name: string, content: Uint8Array, type: string])[] = [];
  for (const [name, content] of files) {
    const record = ` path=${name}\n`;
    if (name.length > 100 && longNames === 'pax') {
      const length = [...Array(4).keys()].find((digits) => String(record.length + digits).length === digits) ?? 0;
      all.push(['PaxHeaders', utf8(`${record.length + length}${record}`), 'x']);
    } else if (name.length > 100) all.push(['././@LongLink', utf8(`${name}\0`), 'L']);
    all.push([name.slice(0, 100), content, type]);
  }
  const parts: Uint8Array[] = [];
  for (const [name, content, kind] of all) {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write(kind, 156);
    header.write('ustar', 257);
    parts.push(header, content, new Uint8Array((512 - (content.length % 512)) % 512));
  }
  return concatBytes(...parts, new Uint8Array(1024));
}

function packed(mirror: HostileMirror, longNames: 'pax' | 'gnu' = 'pax'): Uint8Array {
  const files = [...mirror.files].filter((file): file is [string, Uint8Array] => file[1] instanceof Uint8Array);
  return gzipSync(tar(new Map(files.map(([name, content]) => [`repository/${name}`, content])), '0', longNames));
}

async function resolve(source: TrustRootSource): Promise<string> {
  const http = new HttpClient({ timeoutMs: 2000, retry: { retries: 0 } });
  try {
    const { trustRoots } = await resolveReferences(
      { keys: new Map(), programs: new Map(), trustRoots: new Set(['lab']) },
      {
        secret: () => Promise.resolve(undefined),
        configMap: () => Promise.resolve(undefined),
        configMaps: () => Promise.reject(new TypeError('no ConfigMap is wanted')),
        trustRoot: () => Promise.resolve(source),
        kms: () => assert.fail('nobody asks for a key'),
        http,
        now: () => new Date(),
      },
      NO_REFERENCES,
    );
    const lab = trustRoots.get('lab')!;
    return 'error' in lab ? lab.error.code : `${lab.value.certificateAuthorities.length} authority`;
  } finally {
    http.close();
  }
}

const TARGETS = { targets: 'targets', trustedRootTarget: 'trusted_root.json' };

test('a repository in the object is believed as far as its root vouches for it', async (t) => {
  const mirror = await HostileMirror.create(t);
  const source = { kind: 'repository', root: mirror.rootJson, ...TARGETS } as const;
  assert.equal(await resolve({ ...source, archive: packed(mirror) }), '1 authority');
  assert.equal(await resolve({ ...source, archive: packed(mirror, 'gnu') }), '1 authority');
  assert.equal(await resolve({ ...source, archive: packed(mirror), trustedRootTarget: 'other.json' }), 'NOT_FOUND');
  assert.equal(await resolve({ ...source, archive: packed(mirror), targets: 'elsewhere' }), 'POLICY_EVALUATION');
  const another = await HostileMirror.create(t);
  assert.equal(await resolve({ ...source, archive: packed(another) }), 'TUF_SIGNATURE');
});

test('a repository at a URL', async (t) => {
  const mirror = await HostileMirror.create(t);
  const url = await mirror.url();
  const source = { kind: 'remote', root: mirror.rootJson, mirror: url, ...TARGETS } as const;
  assert.equal(await resolve(source), '1 authority');
  mirror.files.delete('timestamp.json');
  assert.match(await resolve(source), /^REMOTE_/);
});

const ONE = new Map([['repository/root.json', utf8('{}')]]);

for (const [what, archive, code] of [
  ['nothing', new Uint8Array(0), 'FORMAT_TUF'],
  ['no gzip', tar(ONE), 'FORMAT_TUF'],
  ['an empty archive', gzipSync(tar(new Map())), 'FORMAT_TUF'],
  ['nothing below repository/', gzipSync(tar(new Map([['root.json', utf8('{}')]]))), 'FORMAT_TUF'],
  ['a link in the place of a file', gzipSync(tar(ONE, '2')), 'FORMAT_TUF'],
  [
    'a file cut short',
    gzipSync(tar(new Map([['repository/a', new Uint8Array(4096)]])).subarray(0, 1024)),
    'FORMAT_TUF',
  ],
  ['33 MiB of nothing', gzipSync(new Uint8Array(33 << 20)), 'LIMIT_SIZE'],
  [
    'too many files',
    gzipSync(tar(new Map(Array.from({ length: 1001 }, (_, i) => [`repository/${i}`, new Uint8Array(0)])))),
    'LIMIT_COUNT',
  ],
] as const) {
  test(`an archive that is ${what} is refused`, () => {
    assert.throws(
      () => archiveMirror(archive, 'it'),
      (error: unknown) => error instanceof SealwrightError && error.code === code,
    );
  });
}

test('a file larger than its reader allows is not handed over', async () => {
  const mirror = archiveMirror(gzipSync(tar(ONE)), 'it');
  assert.equal(Buffer.from((await mirror.fetch('root.json', 2)) ?? []).toString(), '{}');
  assert.equal(await mirror.fetch('gone.json', 2), undefined);
  await assert.rejects(mirror.fetch('root.json', 1), { code: 'REMOTE_BODY' });
});

test('a TrustRoot with a repository is opened before it is stored', async (t) => {
  const [mirror, another] = [await HostileMirror.create(t), await HostileMirror.create(t)];
  const review = (archive: Uint8Array): Promise<AdmissionAnswer> => {
    const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const repository = { root: encode(mirror.rootJson), mirrorFS: encode(archive), targets: 'targets' };
    const object = { metadata: { name: 'lab' }, spec: { repository } };
    const request = {
      uid: 'u',
      resource: { group: 'policy.sigstore.dev', version: 'v1alpha1', resource: 'trustroots' },
      kind: { kind: 'TrustRoot' },
      operation: 'CREATE',
      object,
    };
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    return reviewPolicy(parseAdmissionReview(utf8(body)), 'validating', {
      openRepository: (source) =>
        readTrustRoot('lab', source, { http: new HttpClient({ offline: true }), now: () => new Date() }),
    });
  };
  assert.equal((await review(packed(mirror))).isAllowed, true);
  for (const archive of [packed(another), new Uint8Array([1, 2, 3])]) {
    const { status } = await review(archive);
    assert.equal(status?.code, 400);
    assert.match(
      status.message,
      /^validation failed: invalid value: failed to construct a TUF client: spec\.repository\.mirrorFS\n/,
    );
  }
});
