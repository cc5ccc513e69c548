import { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import { FormatError } from '../../../errors.ts';
import { MAX_ENTRIES, parseAttestorSet, textMap, type AttestorDefaults } from './attestor-parser.ts';
import type { AttestorSet } from './attestor.ts';
import { parseConditionBlocks } from './conditions-parser.ts';
import { actionOf } from './failure-action-parser.ts';
import type { AttestationRule, ImageRule, LateRule } from './image-rule.ts';
import { KyvernoProblems } from './kyverno-problems.ts';
import { parseRegistrySecrets } from './registry-secrets-parser.ts';
import { filledEntry, takeTemplate } from './rule-template.ts';
import { Wildcard } from './wildcard.ts';

/** Where an entry of `verifyImages` stands, and what it takes over from there. */
export interface VerificationPlace extends Pick<
  ImageRule,
  | 'policyKind'
  | 'name'
  | 'policyName'
  | 'ruleName'
  | 'namespace'
  | 'match'
  | 'ownMatch'
  | 'variables'
  | 'preconditions'
  | 'action'
  | 'overrides'
  | 'revision'
> {
  readonly path: string;
  readonly problems: KyvernoProblems;
}

const MEMBERS = [
  'type',
  'imageReferences',
  'skipImageReferences',
  'failureAction',
  'attestors',
  'attestations',
  'repository',
  'cosignOCI11',
  'mutateDigest',
  'verifyDigest',
  'required',
  'validate',
  'imageRegistryCredentials',
  'useCache',
] as const;
/** Of Kyverno's first version; they become one attestor. */
const LEGACY = ['image', 'key', 'roots', 'subject', 'issuer', 'annotations', 'additionalExtensions'] as const;
const TYPES: readonly string[] = ['', 'Cosign', 'SigstoreBundle'];
const MAX_PATTERNS = 1000;

/** @returns one rule, or none when the problems tell why */
export function parseImageVerification(fields: JsonFields, place: VerificationPlace): readonly ImageRule[] {
  const { template, shape } = takeTemplate(fields, place.path, place.problems);
  const parsed = parseEntry(shape, place);
  if (template === undefined) return parsed;
  const known = new Set(parsed.flatMap(storedKeys).map((key) => JSON.stringify(key)));
  const complete = (filled: JsonValue): ImageRule => {
    const problems = new KyvernoProblems();
    const [rule] = parseEntry(filledEntry(fields, filled, place.path), { ...place, problems });
    for (const key of rule === undefined ? [] : storedKeys(rule)) {
      if (!known.has(JSON.stringify(key))) {
        problems.unsupported(`${place.path}: publicKeys`, 'a variable stands for the key itself, not for where one is');
      }
    }
    problems.refuse(`${place.name}, with its variables put in,`);
    if (rule === undefined) throw new FormatError('FORMAT_POLICY', `${place.name} is no rule any more`);
    return rule;
  };
  // What was read in the places of variables names nobody.
  return parsed.map((rule) => ({
    ...rule,
    attestors: [],
    attestations: [],
    late: { template, keys: storedKeys(rule), complete },
  }));
}

function storedKeys({ attestors, attestations }: ImageRule): LateRule['keys'] {
  const flat = (set: AttestorSet): LateRule['keys'] =>
    set.entries.flatMap((one) => {
      if (one.kind === 'set') return flat(one);
      return one.kind === 'key' && one.key.kind !== 'data' ? [one.key] : [];
    });
  return [...attestors, ...attestations.flatMap((one) => one.attestors)].flatMap(flat);
}

function parseEntry(fields: JsonFields, place: VerificationPlace): readonly ImageRule[] {
  const { path, problems, action: policyAction, ...common } = place;
  fields.only(...MEMBERS, ...LEGACY);
  const warnings: string[] = [];
  checkSupported(fields, path, problems);
  const credentials = { path: `${path}.imageRegistryCredentials`, namespace: common.namespace };
  const registries = parseRegistrySecrets(
    fields.optionalObject('imageRegistryCredentials'),
    credentials,
    problems,
    warnings,
  );
  const own = actionOf(fields.optionalString('failureAction'), `${path}.failureAction`, problems);
  const mutates = fields.optionalBoolean('mutateDigest') ?? true;
  const verifies = fields.optionalBoolean('verifyDigest') ?? true;
  if ((own ?? policyAction) === 'warn' && mutates) {
    problems.invalid(`${path}.mutateDigest`, 'mutateDigest must be set to false for ‘Audit’ failure action');
  }
  const patterns = (name: string): readonly Wildcard[] =>
    parsePatterns(fields.strings(name, MAX_PATTERNS), path, problems);
  const included = [
    ...patterns('imageReferences'),
    ...parsePatterns([fields.optionalString('image') ?? ''].filter(Boolean), path, problems),
  ];
  if (included.length === 0) problems.invalid(path, 'An image reference is required');
  const legacy = legacyAttestors(fields, path, problems);
  const repository = fields.optionalString('repository');
  const defaults: AttestorDefaults = {
    ...(repository === undefined ? {} : { repository }),
    annotations: legacy.length === 0 && fields.has('annotations') ? textMap(fields.object('annotations')) : new Map(),
  };
  const attestors = [...parseSets(fields, path, defaults, problems), ...parseLegacy(legacy, path, defaults, problems)];
  const attestations = fields
    .objects('attestations', MAX_ENTRIES)
    .flatMap((entry, index) =>
      parseAttestation(entry, `${path}.attestations[${index}]`, attestors, defaults, problems),
    );
  return [
    {
      ...common,
      images: { included, skipped: patterns('skipImageReferences') },
      // The key of the older form is the attestations' when there are any.
      attestors: legacy.length > 0 && attestations.length > 0 ? parseSets(fields, path, defaults, problems) : attestors,
      attestations,
      ...registries,
      required: fields.optionalBoolean('required') ?? true,
      action: own ?? policyAction,
      overrides: own === undefined ? common.overrides : [],
      tags: mutates ? 'pin' : verifies ? 'refuse' : 'leave',
      warnings,
    },
  ];
}

function checkSupported(fields: JsonFields, path: string, problems: KyvernoProblems): void {
  problems.unsupportedMembers(fields, path, { validate: 'its conditions ask about the request in JMESPath' });
  const type = fields.optionalString('type') ?? '';
  if (!TYPES.includes(type)) problems.unsupported(`${path}.type`, `${type.slice(0, 50)} signatures are not read`);
  fields.optionalBoolean('useCache');
  fields.optionalBoolean('cosignOCI11');
}

function parsePatterns(texts: readonly string[], path: string, problems: KyvernoProblems): readonly Wildcard[] {
  return texts.flatMap((text) => {
    if (text.includes('{{')) problems.invalid(path, 'variables are not allowed in image references');
    return problems.usable(path, () => Wildcard.parse(text)) ?? [];
  });
}

function parseSets(
  fields: JsonFields,
  path: string,
  defaults: AttestorDefaults,
  problems: KyvernoProblems,
): readonly AttestorSet[] {
  return fields
    .objects('attestors', MAX_ENTRIES)
    .flatMap((set, index) => parseAttestorSet(set, `${path}.attestors[${index}]`, defaults, problems) ?? []);
}

/** The members of Kyverno's first version as an attestor set of today. */
function legacyAttestors(fields: JsonFields, path: string, problems: KyvernoProblems): readonly JsonObject[] {
  const key = fields.optionalString('key') ?? '';
  const issuer = fields.optionalString('issuer') ?? '';
  if (key === '' && issuer === '') {
    const why = 'it stands beside a key or an issuer of the older form';
    problems.unsupportedMembers(fields, path, { roots: why, subject: why, additionalExtensions: why });
    return [];
  }
  const pick = (...names: readonly string[]): JsonObject =>
    Object.fromEntries(names.flatMap((name) => (fields.has(name) ? [[name, fields.value(name) ?? null]] : [])));
  const body =
    key === ''
      ? { keyless: pick('issuer', 'subject', 'roots', 'additionalExtensions') }
      : { keys: { publicKeys: key } };
  return [{ entries: [{ ...pick('annotations'), ...body }] }];
}

function parseLegacy(
  sets: readonly JsonObject[],
  path: string,
  defaults: AttestorDefaults,
  problems: KyvernoProblems,
): readonly AttestorSet[] {
  return sets.flatMap(
    (set) => parseAttestorSet(new JsonFields(set, path, 'FORMAT_POLICY'), path, defaults, problems) ?? [],
  );
}

/**
 * Without attestors of its own Kyverno takes an attestation by anybody whom the certificate authority knows; here it is then
 * the rule's attestors who have to have made it.
 */
function parseAttestation(
  fields: JsonFields,
  path: string,
  ofRule: readonly AttestorSet[],
  defaults: AttestorDefaults,
  problems: KyvernoProblems,
): readonly AttestationRule[] {
  fields.only('name', 'predicateType', 'type', 'attestors', 'conditions');
  fields.optionalString('name');
  const own = fields.optionalString('type') ?? '';
  const type = own === '' ? (fields.optionalString('predicateType') ?? '') : own;
  if (type === '') problems.invalid(path, 'a type is required');
  const sets = parseSets(fields, path, defaults, problems);
  const attestors = sets.length === 0 ? ofRule : sets;
  if (attestors.length === 0) {
    problems.unsupported(`${path}.attestors`, 'an attestation that anybody may have made proves nothing');
  }
  if (attestors.some(({ entries }) => entries.some(({ kind }) => kind === 'set'))) {
    problems.unsupported(`${path}.attestors`, 'attestors of attestations are not nested');
  }
  const conditions = parseConditionBlocks(fields, 'conditions', path, problems);
  return [{ path, type, attestors, conditions }];
}
