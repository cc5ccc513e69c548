/** Emergency plans: files that people keep in repositories and change by hand. */
import { encodeContacts, parseContacts } from '../../src/core/emergency/emergency-contacts.ts';
import { encodeEmergencyPlan, parseEmergencyPlan } from '../../src/core/emergency/emergency-plan.ts';
import { draftsFor, encodeDraft, parseDraft } from '../../src/core/emergency/statement-draft.ts';
import { encodeTabletop, parseTabletop } from '../../src/core/emergency/tabletop-record.ts';
import { FACTS, TABLETOP } from '../support/emergency.ts';
import { FORMAT, type FuzzedParser } from './samples.ts';

export const EMERGENCY_PARSERS: readonly FuzzedParser[] = [
  {
    name: 'core/emergency/emergency-plan.ts: parseEmergencyPlan',
    families: FORMAT,
    parse: parseEmergencyPlan,
    samples: [encodeEmergencyPlan({ writtenAt: new Date('2026-03-01T08:00:00Z'), facts: FACTS })],
  },
  {
    name: 'core/emergency/statement-draft.ts: parseDraft',
    families: FORMAT,
    parse: parseDraft,
    samples: draftsFor(FACTS).map(encodeDraft),
  },
  {
    name: 'core/emergency/emergency-contacts.ts: parseContacts',
    families: FORMAT,
    parse: parseContacts,
    samples: [encodeContacts([{ name: 'ann', role: 'may revoke', reach: '+1 555 0100', backup: '' }])],
  },
  {
    name: 'core/emergency/tabletop-record.ts: parseTabletop',
    families: FORMAT,
    parse: parseTabletop,
    samples: [encodeTabletop(TABLETOP)],
  },
];
