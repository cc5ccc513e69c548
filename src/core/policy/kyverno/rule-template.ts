import { isObject } from '../../attestation/json-kind.ts';
import { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';

/** An entry of `verifyImages` that names variables, and the same with something harmless in their places, to be read as it stands. */
export interface TakenTemplate {
  /** Undefined where the entry names no variables. */
  readonly template: JsonObject | undefined;
  readonly shape: JsonFields;
}

/** P-256's generator as a public key, whose private key is the number one: what anybody could have signed, so that it must never judge. */
const STAND_IN_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`;
const STAND_IN_TEXT = 'stand-in';
/** Members whose text may come from variables. */
const STAND_INS: Readonly<Record<string, string>> = {
  ...{ publicKeys: STAND_IN_KEY, key: STAND_IN_KEY, pubkey: STAND_IN_KEY },
  ...{ subject: STAND_IN_TEXT, subjectRegExp: STAND_IN_TEXT, issuer: STAND_IN_TEXT, issuerRegExp: STAND_IN_TEXT },
};
/** Maps of texts, each of which may. */
const TEXT_MAPS: readonly string[] = ['annotations', 'additionalExtensions'];
/** They are evaluated by themselves, or may hold no variables at all. */
const LEFT: readonly string[] = ['conditions', 'imageReferences', 'skipImageReferences', 'image'];
const MAX_DEPTH = 32;

/**
 * Takes the template out of an entry. Variables where nothing can be put in for a review are refused by name: their text would be taken
 * as it stands.
 */
export function takeTemplate(fields: JsonFields, path: string, problems: KyvernoProblems): TakenTemplate {
  const entry = Object.fromEntries(fields.names().map((name) => [name, fields.value(name) ?? null]));
  if (!hasVariables(withoutLeft(entry))) return { template: undefined, shape: fields };
  const walk = (value: JsonValue, place: string, member: string, isTextMap: boolean, depth: number): JsonValue => {
    if (typeof value === 'string') {
      if (!value.includes('{{')) return value;
      const standIn = isTextMap ? STAND_IN_TEXT : STAND_INS[member];
      if (standIn === undefined) problems.unsupported(place, 'variables are not filled in here');
      return standIn ?? STAND_IN_TEXT;
    }
    if (value === null || typeof value !== 'object' || depth > MAX_DEPTH) return value;
    if (Array.isArray(value)) {
      return value.map((one: JsonValue, index) => walk(one, `${place}[${index}]`, member, isTextMap, depth + 1));
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]: [string, JsonValue]) => [
        name,
        LEFT.includes(name) && !isTextMap
          ? inner
          : walk(inner, `${place}.${name}`, name, TEXT_MAPS.includes(member) || TEXT_MAPS.includes(name), depth + 1),
      ]),
    );
  };
  const shape = walk(entry, path, '', false, 0);
  return { template: withoutLeft(entry), shape: new JsonFields(shape, path, 'FORMAT_POLICY') };
}

/** The entry with a filled template in its place: conditions and patterns are still its own. */
export function filledEntry(fields: JsonFields, filled: JsonValue, path: string): JsonFields {
  const own = Object.fromEntries(fields.names().map((name) => [name, fields.value(name) ?? null]));
  return new JsonFields(withLeft(own, filled), path, 'FORMAT_POLICY');
}

function hasVariables(value: JsonValue): boolean {
  return JSON.stringify(value).includes('{{');
}

function withoutLeft(entry: JsonObject): JsonObject {
  const kept: JsonObject = Object.fromEntries(Object.entries(entry).filter(([name]) => !LEFT.includes(name)));
  const attestations: JsonValue = kept['attestations'] ?? null;
  if (!Array.isArray(attestations)) return kept;
  return { ...kept, attestations: attestations.map((one: JsonValue) => (isObject(one) ? withoutLeft(one) : one)) };
}

function withLeft(own: JsonObject, filled: JsonValue): JsonObject {
  if (!isObject(filled)) return own;
  const left = Object.fromEntries(Object.entries(own).filter(([name]) => LEFT.includes(name)));
  const attestations: JsonValue = filled['attestations'] ?? null;
  const owns: JsonValue = own['attestations'] ?? null;
  if (!Array.isArray(attestations) || !Array.isArray(owns)) return { ...filled, ...left };
  const whole = attestations.map((one: JsonValue, index) => {
    const before = (owns as readonly JsonValue[])[index] ?? null;
    return isObject(before) ? withLeft(before, one) : one;
  });
  return { ...filled, ...left, attestations: whole };
}
