/** What a machine wrote, and how it knows that nobody has changed it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftsFor, encodeDraft, parseDraft } from '../../../src/core/emergency/statement-draft.ts';
import {
  encodeEmergencyPlan,
  isSameInstallation,
  parseEmergencyPlan,
} from '../../../src/core/emergency/emergency-plan.ts';
import { encodeBlock, findBlocks, renewBlocks } from '../../../src/core/emergency/generated-text.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';
import { FACTS } from '../../support/emergency.ts';

const ONE = { name: 'one', text: 'first line\n\nsecond <!-- line -->' };
const TWO = { name: 'two', text: '' };
const PAGE = `# Ours\n\n${encodeBlock(ONE)}\nours as well  \n${encodeBlock(TWO)}\nend`;

test('blocks are found, and known as they were generated', () => {
  assert.deepEqual(
    findBlocks(PAGE).map(({ name, text, isEdited }) => ({ name, text, isEdited })),
    [
      { ...ONE, isEdited: false },
      { ...TWO, isEdited: false },
    ],
  );
});

test('a changed block is known as one, whatever was changed', () => {
  for (const change of ['first line', 'second', '\n\nsec', ' -->\n<!-- sealwright:end one']) {
    const page = PAGE.replace(change, `${change.slice(0, -1)}X${change.slice(-1)}`);
    const found = findBlocks(page).find(({ name }) => name === 'one');
    assert.ok(found === undefined || found.isEdited, change);
  }
});

test('renewing changes blocks and nothing else', () => {
  const renewed = renewBlocks(PAGE, [{ name: 'two', text: 'now\nlonger' }, ONE, { name: 'three', text: 'x' }]);
  assert.equal(renewed.page, PAGE.replace(encodeBlock(TWO), encodeBlock({ name: 'two', text: 'now\nlonger' })));
  assert.deepEqual(renewed.absent, ['three']);
  assert.equal(renewBlocks(renewed.page, [TWO]).page, PAGE);
});

test('a block without its end is no block: what follows is somebody’s own', () => {
  const cut = PAGE.replace('<!-- sealwright:end one -->', '');
  assert.deepEqual(
    findBlocks(cut).map(({ name }) => name),
    ['two'],
  );
  assert.equal(renewBlocks(cut, [{ name: 'one', text: 'x' }]).page, cut);
});

test('a draft says whether it is as it was generated; no damage reads as another one that is', () => {
  for (const draft of draftsFor(FACTS)) {
    const text = encodeDraft(draft);
    const { isEdited, ...read } = parseDraft(text);
    assert.deepEqual([read, isEdited], [draft, false]);
    for (const broken of damaged(Buffer.from(text))) {
      try {
        const found = parseDraft(broken);
        assert.ok(found.isEdited || encodeDraft(found) === text);
      } catch (error) {
        assert.ok(error instanceof SealwrightError && error.family !== 'invariant', String(error));
      }
    }
  }
});

test('drafts are called after what they are about, and keep their names', () => {
  const names = draftsFor(FACTS).map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const fewer = draftsFor({ ...FACTS, policies: [] }).map(({ name }) => name);
  assert.ok(fewer.every((name) => names.includes(name)));
  assert.ok(!names.some((name) => name.includes('Secret')), 'what nothing can name has none');
});

test('a plan is the same for the same installation, in whatever order it was found', () => {
  const writtenAt = new Date('2026-03-01T08:00:00Z');
  const turned = {
    ...FACTS,
    policies: FACTS.policies.map(({ name, signers }) => ({ name, signers: [...signers].reverse() })),
    registries: [...FACTS.registries, ...FACTS.registries],
  };
  assert.ok(isSameInstallation(FACTS, turned));
  assert.ok(!isSameInstallation(FACTS, { ...FACTS, registries: [] }));
  const text = encodeEmergencyPlan({ writtenAt, facts: turned });
  assert.equal(encodeEmergencyPlan(parseEmergencyPlan(text)), text);
  assert.equal(parseEmergencyPlan(text).isEdited, false);
  assert.equal(parseEmergencyPlan(text.replace('registry.example', 'evil.example')).isEdited, true);
});
