import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson, type JsonObject } from '../encoding/json.ts';
import type { FulcioExtensions } from '../pki/fulcio-extensions.ts';
import { FormatError } from '../../errors.ts';
import { encodeSelector, parseSelector, selectorDigest, type IdentitySelector } from './revocation-selector.ts';
import { parseTime, timeText } from './revocation-time.ts';

/** An identity that a certificate authority gives no certificates to, until further notice. */
export interface Suspension {
  readonly selector: IdentitySelector;
  readonly reason: string;
  readonly since: Date;
}

/** Who asks for a certificate, as the certificate would say it. */
export interface AskingIdentity {
  readonly subjectAltName: { readonly value: string };
  readonly extensions: FulcioExtensions;
}

const CODE = 'FORMAT_REVOCATION';
const MAX_REASON = 500;
export const MAX_SUSPENSIONS = 10_000;
const LIMITS = { maxBytes: 16 << 20, maxDepth: 8 };

/** The first that is about this identity. Reaching too far is the safe side: patterns are those of revocations. */
export function suspensionOf(
  { subjectAltName, extensions }: AskingIdentity,
  suspensions: Iterable<Suspension>,
): Suspension | undefined {
  for (const suspension of suspensions) {
    const { issuer, subject, claims } = suspension.selector;
    const fits = issuer === extensions.issuer && subject.matches(subjectAltName.value);
    if (fits && [...claims].every(([name, value]) => extensions[name] === value)) return suspension;
  }
  return undefined;
}

/** What two suspensions of the same identity share. */
export function suspensionKey({ selector }: Pick<Suspension, 'selector'>): string {
  return selectorDigest(selector);
}

export function encodeSuspension({ selector, reason, since }: Suspension): JsonObject {
  return { ...encodeSelector(selector), reason, since: timeText(since) };
}

export function encodeSuspensions(suspensions: readonly Suspension[]): string {
  return `${JSON.stringify({ suspensions: suspensions.map(encodeSuspension) }, undefined, 2)}\n`;
}

/** @throws FormatError FORMAT_REVOCATION; LimitError */
export function parseSuspensions(input: Uint8Array | string): readonly Suspension[] {
  const fields = new JsonFields(parseJson(input, 'the suspensions', CODE, LIMITS), 'suspensions', CODE);
  return fields
    .only('suspensions')
    .objects('suspensions', MAX_SUSPENSIONS)
    .map((entry) => {
      entry.only('identity', 'reason', 'since');
      return { selector: identityOf(entry), reason: reasonOf(entry), since: parseTime(entry, 'since') };
    });
}

/** What an operator asks for: which identity, and why unless it is to be let in again. */
export interface SuspensionRequest {
  readonly selector: IdentitySelector;
  readonly reason?: string;
}

export function encodeSuspensionRequest({ selector, reason }: SuspensionRequest): string {
  return JSON.stringify({ ...encodeSelector(selector), ...(reason === undefined ? {} : { reason }) });
}

/** @throws FormatError FORMAT_REVOCATION; LimitError */
export function parseSuspensionRequest(input: Uint8Array | string): SuspensionRequest {
  const fields = new JsonFields(parseJson(input, 'the request', CODE, LIMITS), 'request', CODE);
  fields.only('identity', 'reason');
  return { selector: identityOf(fields), ...(fields.has('reason') ? { reason: reasonOf(fields) } : {}) };
}

function identityOf(fields: JsonFields): IdentitySelector {
  const selector = parseSelector(new JsonFields({ identity: fields.value('identity') ?? null }, fields.path, CODE));
  if (selector.kind === 'identity') return selector;
  throw new FormatError(CODE, `${fields.path}.identity is missing`, { expected: 'an identity' });
}

function reasonOf(fields: JsonFields): string {
  const reason = fields.string('reason');
  if (reason.trim() !== '' && reason.length <= MAX_REASON) return reason;
  throw new FormatError(CODE, `${fields.path}.reason is not valid`, {
    found: `${reason.length} characters`,
    expected: `1 to ${MAX_REASON} characters`,
  });
}
