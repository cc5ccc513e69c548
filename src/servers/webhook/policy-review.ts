import { canonicalJson, type JsonObject } from '../../core/encoding/json.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import {
  parseClusterImagePolicy,
  type PolicyParserOptions,
} from '../../core/policy/cluster-image/cluster-image-policy-parser.ts';
import type { ClusterImagePolicy, PolicyProgram } from '../../core/policy/cluster-image/cluster-image-policy.ts';
import { policyDefaults, trustRootDefaults } from '../../core/policy/cluster-image/policy-defaults.ts';
import { PolicyProblems } from '../../core/policy/document/policy-problems.ts';
import { parseTrustRoot, type TrustRootSource } from '../../core/policy/cluster-image/trust-root-parser.ts';
import type { AdmissionAnswer, AdmissionRequest, JsonPatchOperation } from '../../core/wire/admission-review.ts';
import { FormatError, RemoteError, SealwrightError } from '../../errors.ts';
import { fittingWarnings } from '../../workflows/admission/admission-text.ts';
import { kyvernoVerdict, type KyvernoReviewOptions } from './kyverno-review.ts';

/** What policy-controller calls its two webhooks for policies. */
export type PolicyStage = 'defaulting' | 'validating';

export interface PolicyReviewOptions extends PolicyParserOptions, KyvernoReviewOptions {
  /** Runs a program over a document, to learn whether it compiles. Programs are not looked into when absent. */
  readonly compile?: (program: PolicyProgram, text: string) => Promise<void>;
  /** Reads the keys of a TUF repository in the object. It is not looked into when absent. */
  readonly openRepository?: (source: TrustRootSource) => Promise<unknown>;
}

/** The API server converts the object to the version that the webhook is registered for, and sends either when unsure. */
const KINDS: Readonly<Record<string, 'policy' | 'trustRoot'>> = {
  'policy.sigstore.dev/clusterimagepolicies': 'policy',
  'policy.sigstore.dev/trustroots': 'trustRoot',
};
const ALLOWED: AdmissionAnswer = { isAllowed: true, warnings: [], auditAnnotations: {}, patch: [] };
/** Objects may be made without a name, with one to begin it. */
const NAMELESS = 'policy';

/**
 * Answers about the policies themselves: `defaulting` writes policy-controller's defaults into them, `validating` refuses those
 * that are not valid with its status and texts, and Kyverno's that are not, or ask for what is not done here. What leaves the spec as it is, is admitted whatever the spec holds: labels,
 * status, finalizers and deletion.
 */
export async function reviewPolicy(
  request: AdmissionRequest,
  stage: PolicyStage,
  options: PolicyReviewOptions = {},
): Promise<AdmissionAnswer> {
  const { object, resource, operation, subResource } = request;
  const kind = KINDS[`${resource.group}/${resource.resource}`];
  const kyverno = stage === 'validating' ? kyvernoVerdict(request) : undefined;
  const isChange = operation === 'CREATE' || operation === 'UPDATE';
  if (object === undefined || !isChange || subResource !== '' || leavesSpec(request)) return ALLOWED;
  try {
    if (kyverno !== undefined) return warned(await kyverno(named(object), options));
    if (kind === undefined) return ALLOWED;
    if (stage === 'defaulting')
      return defaulted(kind === 'policy' ? policyDefaults(object) : trustRootDefaults(object));
    if (kind === 'policy') return await validatePolicy(named(object), options);
    return await validateTrustRoot(object, options);
  } catch (error) {
    if (error instanceof SealwrightError) return refusal(error);
    throw error;
  }
}

/** A repository that is in the object itself is opened at once: nobody has to be asked for it. */
async function validateTrustRoot(
  object: JsonFields,
  { openRepository }: PolicyReviewOptions,
): Promise<AdmissionAnswer> {
  const source = parseTrustRoot(object.object('spec'), 'the TrustRoot');
  if (source.kind !== 'repository' || openRepository === undefined) return ALLOWED;
  const problems = new PolicyProblems();
  try {
    await openRepository(source);
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    problems.invalid('failed to construct a TUF client', 'spec.repository.mirrorFS', `${error.message}${found(error)}`);
  }
  problems.refuse('the TrustRoot');
  return ALLOWED;
}

async function validatePolicy(object: JsonFields, options: PolicyReviewOptions): Promise<AdmissionAnswer> {
  const policy = parseClusterImagePolicy(object, options);
  const problems = new PolicyProblems();
  const unknown = await compilePrograms(policy, options.compile, problems);
  problems.refuse(policy.name);
  return warned([...policy.warnings, ...unknown]);
}

/**
 * Programs are not compiled by the original before the first image needs them; then it is too late for their author.
 *
 * @returns a warning when there is nothing that could compile them
 */
async function compilePrograms(
  policy: ClusterImagePolicy,
  compile: PolicyReviewOptions['compile'],
  problems: PolicyProblems,
): Promise<readonly string[]> {
  const programs = programsOf(policy);
  if (compile === undefined || programs.length === 0) return [];
  for (const { path, program } of programs) {
    if (program.source.kind !== 'data') continue;
    try {
      await compile(program, program.source.text);
    } catch (error) {
      if (error instanceof RemoteError) return [`programs were not compiled: ${error.message}`];
      if (!(error instanceof FormatError)) continue;
      problems.invalid(program.language, path, `${error.message}${found(error)}`);
    }
  }
  return [];
}

function programsOf({
  authorities,
  condition,
}: ClusterImagePolicy): readonly { path: string; program: PolicyProgram }[] {
  const attested = authorities.flatMap((authority, index) =>
    authority.kind === 'static'
      ? []
      : authority.attestations.flatMap(({ program }) =>
          program === undefined ? [] : [{ path: `spec.authorities[${index}].attestations.policy.data`, program }],
        ),
  );
  return [...attested, ...(condition === undefined ? [] : [{ path: 'spec.policy.data', program: condition.program }])];
}

/** A spec that is there stays: what it holds was judged when it came. */
function leavesSpec({ operation, object, oldObject }: AdmissionRequest): boolean {
  if (operation !== 'UPDATE' || object === undefined || oldObject === undefined) return false;
  const isGoing = object.optionalObject('metadata')?.has('deletionTimestamp') === true;
  const spec = (fields: JsonFields): string => canonicalJson(fields.value('spec') ?? null);
  return isGoing || spec(object) === spec(oldObject);
}

function named(object: JsonFields): JsonFields {
  const metadata = object.optionalObject('metadata');
  if (metadata === undefined || metadata.has('name') || !metadata.has('generateName')) return object;
  const whole = Object.fromEntries(object.names().map((name) => [name, object.value(name) ?? null]));
  const held = { ...(whole['metadata'] as JsonObject), name: NAMELESS };
  return new JsonFields({ ...whole, metadata: held }, object.path, object.code);
}

function warned(warnings: readonly string[]): AdmissionAnswer {
  return { ...ALLOWED, warnings: fittingWarnings(warnings) };
}

function defaulted(patch: readonly JsonPatchOperation[]): AdmissionAnswer {
  return { ...ALLOWED, patch };
}

/** The original's: 400 in all cases, and the text of what is wrong, or of what cannot be read at all. */
function refusal(error: SealwrightError): AdmissionAnswer {
  const validation = error.facts.details?.['validation'];
  const message =
    typeof validation === 'string'
      ? `validation failed: ${validation}`
      : `decoding request failed: cannot decode incoming new object: ${error.message}${found(error)}`;
  return {
    isAllowed: false,
    status: { code: 400, reason: 'BadRequest', message },
    warnings: [],
    auditAnnotations: {},
    patch: [],
  };
}

function found({ facts }: SealwrightError): string {
  return facts.found === undefined ? '' : `: ${facts.found}`;
}
