/** The example of an emergency plan in the documentation is what the program writes. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { MEMBER_ROLE, missingContacts } from '../../src/core/emergency/emergency-contacts.ts';
import { findBlocks } from '../../src/core/emergency/generated-text.ts';
import { emergencyBlocks, newEmergencyPage } from '../../src/cli/report/emergency-page.ts';
import { FACTS } from '../support/emergency.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../docs/examples/emergency-plan.md');

test('docs/examples/emergency-plan.md is as it would be written now; UPDATE_EXAMPLES=1 writes it', () => {
  const contacts = missingContacts([], FACTS).map((contact) =>
    contact.role === MEMBER_ROLE ? { ...contact, reach: '+1 555 0100', backup: 'pager 7' } : contact,
  );
  const page = newEmergencyPage(emergencyBlocks(FACTS, contacts, 'emergency-plan'));
  if (process.env['UPDATE_EXAMPLES'] === '1') writeFileSync(EXAMPLE, page);
  assert.equal(readFileSync(EXAMPLE, 'utf8'), page);
  assert.ok(findBlocks(page).every(({ isEdited }) => !isEdited));
  assert.equal(findBlocks(page).length, emergencyBlocks(FACTS, contacts, 'x').length);
});
