import { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import { PolicyError, SealwrightError } from '../../../errors.ts';
import type { AdmissionPolicy } from '../judgement/admission-policy.ts';
import { REFERS_TO_NOTHING } from '../judgement/policy-material.ts';
import { policyRevision } from '../document/policy-revision.ts';
import { parseKyvernoPolicy, verifiesImages } from '../kyverno/cluster-policy-parser.ts';
import { coversPinned, patternCoverage } from './image-patterns.ts';
import type { ImagePatterns } from '../kyverno/image-rule.ts';
import { imageRuleAdmission } from './image-rule-admission.ts';
import { imageValidatingAdmission } from './image-validating-admission.ts';
import { parseImageValidatingPolicy } from '../kyverno/image-validating-policy-parser.ts';
import { Wildcard } from '../kyverno/wildcard.ts';

/** What an object in a cluster comes to. */
export interface StoredKyvernoPolicy {
  readonly policies: readonly AdmissionPolicy[];
  /** Why it cannot be used; the policy then is one that refuses. */
  readonly error?: SealwrightError;
}

const NOTHING: StoredKyvernoPolicy = { policies: [] };

/**
 * One of Kyverno's policies that is stored in a cluster, where nobody can refuse it any more. One that is not valid, or asks for
 * what is not supported, becomes a policy that refuses the images it is about and says why: leaving it out would admit them. A
 * policy that only audits warns then, as it would have.
 *
 * @param whole with its apiVersion and kind
 */
export function readStoredKyvernoPolicy(whole: JsonObject): StoredKyvernoPolicy {
  const document = new JsonFields(whole, 'policy', 'FORMAT_POLICY');
  const kind = document.string('kind');
  const isRules = kind === 'ClusterPolicy' || kind === 'Policy';
  try {
    // Rules that validate, mutate and generate are Kyverno's own business.
    if (isRules && !verifiesImages(document)) return NOTHING;
    return {
      policies: isRules
        ? parseKyvernoPolicy(document).map((rule) => imageRuleAdmission(rule))
        : [imageValidatingAdmission(parseImageValidatingPolicy(document))],
    };
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    return { policies: [standIn(document, error)], error };
  }
}

function standIn(document: JsonFields, error: SealwrightError): AdmissionPolicy {
  const metadata = document.object('metadata');
  const kind = document.string('kind');
  const own = metadata.optionalString('namespace') ?? '';
  const namespace = own === '' ? undefined : own;
  const name = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${metadata.string('name')}`;
  const { found } = error.facts;
  const problem = `${name} cannot be used: ${error.message}${found === undefined ? '' : `: ${found}`}`;
  const patterns = readablePatterns(document);
  const refusal = new PolicyError('POLICY_DENIED', problem, { expected: 'a policy that is valid and supported' });
  const admission: AdmissionPolicy = {
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    mode: enforces(document) ? 'enforce' : 'warn',
    warnings: [],
    ...revisionOf(document),
    tags: 'leave',
    references: REFERS_TO_NOTHING,
    interest: 'name',
    demands: [],
    about: (object) => (namespace === undefined || namespace === object.namespace ? admission : undefined),
    coverage: (reference, text) => patternCoverage(patterns, reference, text),
    covers: (image, text) => coversPinned(patterns, image, text),
    judge: () => Promise.resolve({ outcome: 'failed', policy: name, error: refusal }),
  };
  return admission;
}

/** The images that it names; all where that cannot be said. */
function readablePatterns(document: JsonFields): ImagePatterns {
  const texts = textsUnder(document.value('spec') ?? null, 'imageReferences').filter((text) => !text.includes('{{'));
  const included = texts.length === 0 ? ['*'] : texts;
  return { included: included.map((text) => Wildcard.parse(text.slice(0, 1000))), skipped: [] };
}

/** Whether anything in it says that it refuses, or nothing says what it does. */
function enforces(document: JsonFields): boolean {
  const spec = document.value('spec') ?? null;
  const actions = ['failureAction', 'validationFailureAction', 'validationActions', 'action'].flatMap((name) =>
    textsUnder(spec, name),
  );
  const isRules = ['ClusterPolicy', 'Policy'].includes(document.string('kind'));
  if (actions.length === 0) return !isRules;
  return actions.some((action) => /^(enforce|deny)$/i.test(action));
}

/** Every text that a member of this name holds, alone or in a list, at any depth. */
function textsUnder(value: JsonValue, name: string): readonly string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([member, inner]: [string, JsonValue]) => {
    if (member !== name) return textsUnder(inner, name);
    return (Array.isArray(inner) ? inner : [inner]).filter((text: JsonValue) => typeof text === 'string');
  });
}

function revisionOf(document: JsonFields): Pick<AdmissionPolicy, 'revision'> {
  try {
    return { revision: policyRevision(document) };
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    return {};
  }
}
