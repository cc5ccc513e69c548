import type { JsonFields } from '../../encoding/json-fields.ts';
import { FormatError, UsageError } from '../../../errors.ts';
import { parseAuthority } from './authority-parser.ts';
import type { ClusterImagePolicy } from './cluster-image-policy.ts';
import { globProblem } from '../document/glob-problem.ts';
import { ImageGlob } from '../document/image-glob.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';
import { parseCondition } from './policy-program-parser.ts';
import { PolicyProblems } from '../document/policy-problems.ts';
import { policyRevision } from '../document/policy-revision.ts';
import { parseResourceMatch } from './resource-match.ts';

const API_VERSIONS: readonly string[] = ['policy.sigstore.dev/v1beta1', 'policy.sigstore.dev/v1alpha1'];
const OBJECT_META = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const;
/** RFC 1123 subdomain: what the API server accepts as a name. */
const NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SPEC = ['images', 'match', 'mode', 'authorities', 'policy', 'strictIdentities'] as const;
const MAX_IMAGES = 1000;
const MAX_AUTHORITIES = 100;
const MAX_MATCHES = 100;

export interface PolicyParserOptions {
  /** Whether a policy may do without authorities (`fail-on-empty-authorities: "false"`); one that does lets nothing pass. */
  readonly mayBeEmpty?: boolean;
  /** Where Secrets of policies are; any namespace is accepted when it is not known. */
  readonly systemNamespace?: string;
}

/**
 * Every policy in a text of one or more YAML documents.
 *
 * @param source where the text is from, for messages
 * @throws FormatError FORMAT_POLICY for a document that is not a valid policy; UsageError USAGE_BAD_CONFIG for objects of other
 *   kinds; LimitError
 */
export function parseClusterImagePolicies(
  text: string,
  source: string,
  options: PolicyParserOptions = {},
): readonly ClusterImagePolicy[] {
  return parsePolicyDocuments(text, source).map((document) => parseClusterImagePolicy(document, options));
}

/**
 * One `ClusterImagePolicy`. Both versions have one schema. Unknown fields are refused. `strictIdentities` is the one member
 * that policy-controller does not have.
 *
 * @throws as {@link parseClusterImagePolicies}
 */
export function parseClusterImagePolicy(document: JsonFields, options: PolicyParserOptions = {}): ClusterImagePolicy {
  checkKind(document);
  document.only('apiVersion', 'kind', 'metadata', 'spec', 'status');
  const name = policyName(document);
  const spec = document.object('spec').only(...SPEC);
  const strictIdentities = spec.optionalBoolean('strictIdentities') ?? false;
  const problems = new PolicyProblems();
  const warnings: string[] = [];
  const images = parseImages(spec, problems, warnings);
  const match = spec
    .objects('match', MAX_MATCHES)
    .map((fields, index) => parseResourceMatch(fields, `spec.match[${index}]`, problems));
  const mode = parseMode(spec, problems);
  const entries = spec.objects('authorities', MAX_AUTHORITIES);
  if (entries.length === 0 && options.mayBeEmpty !== true) problems.missing('spec.authorities');
  const authorities = entries.flatMap((fields, index) => {
    const authority = parseAuthority(fields, { ...options, index, problems, warnings, strictIdentities });
    return authority === undefined ? [] : [authority];
  });
  const policy = spec.optionalObject('policy');
  const condition = policy === undefined ? undefined : parseCondition(policy, problems);
  problems.refuse(`ClusterImagePolicy ${name}`);
  const revision = policyRevision(document);
  const common = { name, mode, images, match, authorities, warnings, revision };
  return condition === undefined ? common : { ...common, condition };
}

function checkKind(document: JsonFields): void {
  const apiVersion = document.string('apiVersion');
  const kind = document.string('kind');
  if (kind === 'ClusterImagePolicy' && API_VERSIONS.includes(apiVersion)) return;
  throw new UsageError('USAGE_BAD_CONFIG', `${document.path} is of a kind that is not supported`, {
    found: `${apiVersion.slice(0, 100)}, ${kind.slice(0, 100)}`,
    expected: `${API_VERSIONS.join(' or ')}, ClusterImagePolicy`,
  });
}

function policyName(document: JsonFields): string {
  const name = document
    .object('metadata')
    .only(...OBJECT_META)
    .string('name');
  if (NAME.test(name)) return name;
  throw new FormatError('FORMAT_POLICY', `${document.path}.metadata.name is not an object's name`, {
    found: name.slice(0, 100),
    expected: 'lower-case letters, digits, - and . (RFC 1123)',
  });
}

function parseImages(spec: JsonFields, problems: PolicyProblems, warnings: string[]): readonly ImageGlob[] {
  const entries = spec.objects('images', MAX_IMAGES);
  if (entries.length === 0) problems.missing('spec.images');
  return entries.flatMap((fields, index) => {
    const path = `spec.images[${index}].glob`;
    const text = fields.only('glob').optionalString('glob') ?? '';
    if (text === '') {
      problems.missing(path);
      return [];
    }
    try {
      const glob = ImageGlob.parse(text);
      if (glob.futility !== undefined) warnings.push(`${path} ${text} can match no image: ${glob.futility}`);
      return [glob];
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problems.invalid(text.slice(0, 300), path, `glob is invalid: ${globProblem(text)}`);
      return [];
    }
  });
}

function parseMode(spec: JsonFields, problems: PolicyProblems): 'enforce' | 'warn' {
  const mode = spec.optionalString('mode') ?? '';
  if (mode === '' || mode === 'enforce') return 'enforce';
  if (mode !== 'warn') problems.invalid(mode.slice(0, 100), 'spec.mode', 'unsupported mode');
  return 'warn';
}
