import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { derIa5String, derInteger, derUtf8String } from '../../../src/core/encoding/der-writer.ts';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import type { ExtensionInput } from '../../../src/core/pki/certificate-builder.ts';
import {
  encodeFulcioExtensions,
  readFulcioExtensions,
  type FulcioExtensionName,
  type FulcioExtensions,
} from '../../../src/core/pki/fulcio-extensions.ts';
import { issue } from '../../support/test-authority.ts';

const ARC = '1.3.6.1.4.1.57264.1';
const LEAF = Certificate.fromPem(
  readFileSync(resolve(import.meta.dirname, '../../vectors/pki/public-good-leaf.pem'), 'utf8'),
);
const withExtensions = (extensions: readonly ExtensionInput[]): Certificate => issue({ extensions }).certificate;
const bare = (arc: number, value: Uint8Array): ExtensionInput => ({ oid: `${ARC}.${arc}`, critical: false, value });

/** oid-info.md of Fulcio, in its order; the text is the member's own name. */
const ARCS: readonly (readonly [number, FulcioExtensionName])[] = [
  [1, 'issuer'],
  [2, 'githubWorkflowTrigger'],
  [3, 'githubWorkflowSha'],
  [4, 'githubWorkflowName'],
  [5, 'githubWorkflowRepository'],
  [6, 'githubWorkflowRef'],
  [8, 'issuer'],
  [9, 'buildSignerUri'],
  [10, 'buildSignerDigest'],
  [11, 'runnerEnvironment'],
  [12, 'sourceRepositoryUri'],
  [13, 'sourceRepositoryDigest'],
  [14, 'sourceRepositoryRef'],
  [15, 'sourceRepositoryIdentifier'],
  [16, 'sourceRepositoryOwnerUri'],
  [17, 'sourceRepositoryOwnerIdentifier'],
  [18, 'buildConfigUri'],
  [19, 'buildConfigDigest'],
  [20, 'buildTrigger'],
  [21, 'runInvocationUri'],
  [22, 'sourceRepositoryVisibilityAtSigning'],
  [23, 'deploymentEnvironment'],
  [24, 'tokenSubject'],
];

test('every extension has its arc, 1 to 6 bare text, the others a UTF8String, in ascending order', () => {
  const values = Object.fromEntries(ARCS.map(([, name]) => [name, name])) as FulcioExtensions;
  const encoded = encodeFulcioExtensions(values);
  assert.deepEqual(
    encoded.map(({ oid, critical, value }) => [oid, critical, Buffer.from(value).toString('hex')]),
    ARCS.map(([arc, name]) => {
      const value = arc < 8 ? utf8(name) : derUtf8String(name);
      return [`${ARC}.${arc}`, false, Buffer.from(value).toString('hex')];
    }),
  );
  assert.deepEqual(readFulcioExtensions(withExtensions(encoded)), values);
});

test("the public CA's leaf reads, and its extensions are written again byte for byte", () => {
  const ours = encodeFulcioExtensions(readFulcioExtensions(LEAF));
  const theirs = LEAF.extensions.filter(({ oid }) => oid.startsWith(`${ARC}.`));
  assert.deepEqual(
    ours.map(({ oid, value }) => [oid, Buffer.from(value).toString('hex')]),
    theirs.map(({ oid, value }) => [oid, Buffer.from(value).toString('hex')]),
  );
  assert.ok(theirs.length > 15);
});

test('empty and absent values are left out', () => {
  assert.deepEqual(encodeFulcioExtensions({ issuer: '', buildTrigger: '' }), []);
  assert.deepEqual(readFulcioExtensions(withExtensions([])), {});
});

test('the issuer is that of .8, and that of .1 only without it', () => {
  const old = bare(1, utf8('old'));
  assert.equal(readFulcioExtensions(withExtensions([bare(8, derUtf8String('new')), old])).issuer, 'new');
  assert.equal(readFulcioExtensions(withExtensions([old])).issuer, 'old');
});

test('other string types are read as Go reads them', () => {
  assert.equal(readFulcioExtensions(withExtensions([bare(9, derIa5String('x'))])).buildSignerUri, 'x');
});

test('arc 7 is a name form and no extension, arcs beyond 24 are not known', () => {
  const strangers = [bare(7, derUtf8String('x')), bare(25, derUtf8String('y')), bare(88, derUtf8String('z'))];
  assert.deepEqual(readFulcioExtensions(withExtensions(strangers)), {});
});

const REFUSED: readonly (readonly [string, ExtensionInput])[] = [
  ['bare text in .8', bare(8, utf8('https://issuer.example.org'))],
  ['an INTEGER in .9', bare(9, derInteger(1))],
  ['nothing in .9', bare(9, new Uint8Array(0))],
  ['bytes behind the text in .9', bare(9, Buffer.concat([derUtf8String('x'), Buffer.of(0)]))],
  ['bad UTF-8 in .24', bare(24, Uint8Array.of(0x0c, 1, 0xff))],
  ['bad UTF-8 in .1', bare(1, Uint8Array.of(0xc3))],
];
for (const [what, extension] of REFUSED) {
  test(`${what} is refused`, () => {
    assert.throws(() => readFulcioExtensions(withExtensions([extension])), { code: 'FORMAT_CERTIFICATE' });
  });
}
