import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import type { EmergencyFacts } from './emergency-facts.ts';

/** How to reach somebody, written down by people: nothing here is generated but the names of who is missing. */
export interface Contact {
  readonly name: string;
  readonly role: string;
  /** A telephone, a pager. Empty until somebody fills it in. */
  readonly reach: string;
  /** Another way, that does not go by the first. */
  readonly backup: string;
}

const CODE = 'FORMAT_PLAN';
const LIMITS = { maxBytes: 256 << 10, maxDepth: 4 };
const MAX_CONTACTS = 200;

/** Who is needed beside those who may revoke. */
export const ROLES = ['incident lead', 'keeper of the snapshot key', 'platform on call', 'communications'] as const;
export const MEMBER_ROLE = 'may revoke';

/** @throws FormatError FORMAT_PLAN; LimitError */
export function parseContacts(input: Uint8Array | string): readonly Contact[] {
  const fields = new JsonFields(parseJson(input, 'the contacts', CODE, LIMITS), 'contacts', CODE).only('contacts');
  return fields.objects('contacts', MAX_CONTACTS).map((contact) => {
    contact.only('name', 'role', 'reach', 'backup');
    const [name, role, reach, backup] = (['name', 'role', 'reach', 'backup'] as const).map((one) =>
      contact.string(one),
    );
    return { name: name ?? '', role: role ?? '', reach: reach ?? '', backup: backup ?? '' };
  });
}

export function encodeContacts(contacts: readonly Contact[]): string {
  return `${JSON.stringify({ contacts }, undefined, 2)}\n`;
}

/** Everybody whom the plan needs and the list has not, to be filled in. */
export function missingContacts(
  known: readonly Contact[],
  { authority }: Pick<EmergencyFacts, 'authority'>,
): readonly Contact[] {
  const members = (authority?.members ?? [])
    .filter(({ name }) => !known.some((contact) => contact.name === name && contact.role === MEMBER_ROLE))
    .map(({ name }) => ({ name, role: MEMBER_ROLE, reach: '', backup: '' }));
  const roles = ROLES.filter((role) => !known.some((contact) => contact.role === role)).map((role) => ({
    ...{ name: '', role, reach: '', backup: '' },
  }));
  return [...members, ...roles];
}
