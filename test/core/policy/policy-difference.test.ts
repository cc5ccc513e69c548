/** What two sets of policies say differently, and whether that lets in more or less. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparedPolicies } from '../../../src/core/policy/conversion/compared-policies.ts';
import { comparePolicies } from '../../../src/core/policy/conversion/policy-difference.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';

const ALICE = '{issuer: "https://i.example", subject: alice@example.com}';
const BOB = '{issuer: "https://i.example", subject: bob@example.com}';
const keyless = (who: string, rest = ''): string => `authorities: [{keyless: {identities: [${who}]}${rest}}]`;
const SHOP = 'images: [{glob: "r.example/shop/**"}]';

function cip(spec: string, name = 'p'): string {
  return `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
}

function compare(before: string, after: string): readonly string[] {
  const side = (text: string): ReturnType<typeof comparedPolicies> =>
    comparedPolicies([{ path: 'p', text }], parsePolicyObjects(text, 'p').policies);
  return comparePolicies(side(before), side(after)).flatMap(({ policy, kind, changes }) => [
    `${kind} ${policy}`,
    ...changes.map(({ effect, text }) => `${effect}: ${text}`),
  ]);
}

const BASE = cip(`${SHOP}, ${keyless(ALICE)}`);
const alice = 'subject alice@example.com, issuer https://i.example';
const bob = 'subject bob@example.com, issuer https://i.example';

const CASES: Readonly<Record<string, readonly [after: string, expected: readonly string[]]>> = {
  'the same in another order': [
    `kind: ClusterImagePolicy\napiVersion: policy.sigstore.dev/v1alpha1\nmetadata: {name: p}\nspec: {${keyless(ALICE)}, ${SHOP}}\n`,
    [],
  ],
  'another name of an authority': [cip(`${SHOP}, authorities: [{name: a, keyless: {identities: [${ALICE}]}}]`), []],
  'a warning instead': [cip(`${SHOP}, mode: warn, ${keyless(ALICE)}`), ['looser: mode enforce → warn']],
  'a further identity': [cip(`${SHOP}, ${keyless(`${ALICE}, ${BOB}`)}`), [`looser: accepts ${bob}`]],
  'another identity': [
    cip(`${SHOP}, ${keyless(BOB)}`),
    [`looser: accepts ${bob}`, `tighter: no longer accepts ${alice}`],
  ],
  'a pass for all': [
    cip(`${SHOP}, authorities: [{keyless: {identities: [${ALICE}]}}, {static: {action: pass}}]`),
    ['looser: accepts every image, unseen'],
  ],
  'a timestamp as well': [
    cip(`${SHOP}, ${keyless(ALICE, ', rfc3161timestamp: {trustRootRef: lab}')}`),
    [`looser: accepts ${alice} [stamped of lab]`, `tighter: no longer accepts ${alice}`],
  ],
  'fewer images': [
    cip(`images: [{glob: "r.example/shop/a@*"}], ${keyless(ALICE)}`),
    ['tighter: is about r.example/shop/a@*', 'looser: is no longer about r.example/shop/**'],
  ],
  'pods alone': [
    cip(`${SHOP}, match: [{version: v1, resource: pods}], ${keyless(ALICE)}`),
    ['looser: is about core/v1 pods alone'],
  ],
  'a program': [
    cip(`${SHOP}, ${keyless(ALICE)}, policy: {type: cue, data: "a: 1"}`),
    ['tighter: a program of its own has to agree'],
  ],
};

for (const [what, [after, expected]] of Object.entries(CASES)) {
  test(`${what}: ${expected.join('; ') || 'no difference'}`, () => {
    assert.deepEqual(compare(BASE, after), expected.length === 0 ? [] : ['changed ClusterImagePolicy p', ...expected]);
    const back = compare(after, BASE).slice(1);
    const turned = { tighter: 'looser', looser: 'tighter' } as Readonly<Record<string, string>>;
    const effects = (lines: readonly string[]): readonly string[] =>
      lines.map((line) => line.split(':')[0] ?? '').sort();
    assert.deepEqual(
      effects(back),
      effects(expected)
        .map((effect) => turned[effect] ?? effect)
        .sort(),
      'the way back is the reverse',
    );
  });
}

test('one more policy tightens, one less loosens, whatever else they say', () => {
  const more = `${BASE}---\n${cip(`${SHOP}, ${keyless(BOB)}`, 'q')}`;
  assert.deepEqual(compare(BASE, more), [
    'added ClusterImagePolicy q',
    'tighter: about r.example/shop/**, mode enforce',
    `different: accepts ${bob}`,
  ]);
  assert.equal(compare(more, BASE)[1], 'looser: about r.example/shop/**, mode enforce');
});

test('a name that a program may ask for is a difference', () => {
  const named = (name: string): string =>
    cip(
      `${SHOP}, authorities: [{name: ${name}, keyless: {identities: [${ALICE}]}}], policy: {type: cue, data: "a: 1"}`,
    );
  assert.deepEqual(compare(named('a'), named('b')).slice(1), [
    'different: its program sees authorities by other names: b',
  ]);
});
