import type { JsonFields } from '../../encoding/json-fields.ts';
import { SealwrightError } from '../../../errors.ts';
import { parseClusterImagePolicy } from '../cluster-image/cluster-image-policy-parser.ts';
import type { ClusterImagePolicy } from '../cluster-image/cluster-image-policy.ts';
import { readControllerConfig } from '../judgement/controller-config.ts';
import { EXCEPTION_API_VERSION, parseImageException } from '../objects/image-exception.ts';
import { parseImagePolicy } from '../objects/image-policy.ts';
import { parseKyvernoPolicy } from '../kyverno/cluster-policy-parser.ts';
import { lintClusterImagePolicy } from './lint-cluster-image-policy.ts';
import { isImageValidatingPolicy, parseImageValidatingPolicy } from '../kyverno/image-validating-policy-parser.ts';
import { isPolicyException, parsePolicyException } from '../kyverno/policy-exception-parser.ts';
import { lintException, lintPolicyException } from './lint-exception.ts';
import { lintImageValidatingPolicy } from './lint-image-validating-policy.ts';
import { lintImageRule } from './lint-kyverno-rule.ts';
import { lintTrustRoot } from './lint-trust-root.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { clusterImageReferences } from '../judgement/policy-material.ts';
import { parseTrustRoot, type TrustRootSource } from '../cluster-image/trust-root-parser.ts';

/** A policy file as it is written. */
export interface LintedText {
  readonly path: string;
  readonly text: string;
}

/** A finding with its place. */
export interface PlacedFinding extends PolicyFinding {
  readonly file: string;
  /** Number of the object in the file, from zero, those of a list one by one; undefined for the file as a whole. */
  readonly document?: number;
}

/** Everything that their authors should know about some policy files, read together: a policy may refer to what another file has. */
export function lintPolicies(texts: readonly LintedText[], now: Date): readonly PlacedFinding[] {
  const documents = texts.flatMap(({ path, text }) => readDocuments(path, text));
  const roots = new Set(documents.flatMap(({ fields }) => (kindOf(fields) === TRUST_ROOT ? nameOf(fields) : [])));
  const seen = new Map<string, string>();
  return documents.flatMap(({ file, document, fields, finding }) => {
    if (fields === undefined) return finding === undefined ? [] : [{ ...finding, file }];
    const subject = `${fields.optionalString('kind') ?? 'object'} ${nameOf(fields)[0] ?? '(no name)'}`;
    const place = { file, document };
    const twin = duplicate(fields, subject, file, seen);
    try {
      return [...twin, ...lintDocument(fields, { roots, now, subject })].map((each) => ({ ...each, ...place }));
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      return [{ ...invalid(error), subject, ...place }];
    }
  });
}

/** A `TrustRoot` whose keys are in a TUF repository, and its place. */
export interface RepositoryTrustRoot {
  readonly file: string;
  readonly document: number;
  readonly name: string;
  readonly subject: string;
  readonly source: Exclude<TrustRootSource, { kind: 'keys' }>;
}

/** Those of the texts that only reading their repository can tell anything about; what is not valid is found by {@link lintPolicies}. */
export function repositoryTrustRoots(texts: readonly LintedText[]): readonly RepositoryTrustRoot[] {
  return texts
    .flatMap(({ path, text }) => readDocuments(path, text))
    .flatMap(({ file, document, fields }): readonly RepositoryTrustRoot[] => {
      if (fields === undefined || kindOf(fields) !== TRUST_ROOT) return [];
      const [name = '(no name)'] = nameOf(fields);
      const subject = `TrustRoot ${name}`;
      try {
        const source = parseTrustRoot(fields.object('spec'), subject);
        return source.kind === 'keys' ? [] : [{ file, document, name, subject, source }];
      } catch (error) {
        if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
        return [];
      }
    });
}

interface ReadDocument {
  readonly file: string;
  readonly document: number;
  readonly fields: JsonFields | undefined;
  readonly finding?: PolicyFinding;
}

const TRUST_ROOT = 'policy.sigstore.dev/v1alpha1 TrustRoot';

function readDocuments(file: string, text: string): readonly ReadDocument[] {
  try {
    return parsePolicyDocuments(text, file).map((fields, document) => ({ file, document, fields }));
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    return [{ file, document: 0, fields: undefined, finding: invalid(error) }];
  }
}

function invalid({ message, facts: { found, expected } }: SealwrightError): PolicyFinding {
  return {
    rule: 'invalid',
    level: 'error',
    path: '',
    message: `${message}${found === undefined ? '' : ` (found: ${found})`}`,
    ...(expected === undefined ? {} : { instead: expected }),
  };
}

function kindOf(fields: JsonFields | undefined): string {
  return `${fields?.optionalString('apiVersion') ?? ''} ${fields?.optionalString('kind') ?? ''}`;
}

/** One name, or none where there is none to be read. */
function nameOf(fields: JsonFields | undefined): readonly string[] {
  const metadata = fields?.has('metadata') === true ? fields.value('metadata') : undefined;
  const name: unknown =
    metadata !== null && typeof metadata === 'object' && 'name' in metadata ? metadata['name'] : undefined;
  return typeof name === 'string' ? [name] : [];
}

function duplicate(
  fields: JsonFields,
  subject: string,
  file: string,
  seen: Map<string, string>,
): readonly PolicyFinding[] {
  const namespace = fields.optionalObject('metadata')?.optionalString('namespace') ?? '';
  const key = `${kindOf(fields)} ${namespace}/${nameOf(fields)[0] ?? ''}`;
  const before = seen.get(key);
  seen.set(key, file);
  if (before === undefined || nameOf(fields).length === 0) return [];
  const message = `another one of that name is in ${before}: nobody could tell which one holds`;
  return [{ rule: 'duplicate-name', level: 'error', subject, path: 'metadata.name', message }];
}

function lintDocument(
  fields: JsonFields,
  { roots, now, subject }: { readonly roots: ReadonlySet<string>; readonly now: Date; readonly subject: string },
): readonly PolicyFinding[] {
  if (isImageValidatingPolicy(fields)) return lintImageValidatingPolicy(parseImageValidatingPolicy(fields));
  if (isPolicyException(fields)) return lintPolicyException(parsePolicyException(fields), subject, now);
  switch (kindOf(fields)) {
    case TRUST_ROOT:
      return lintTrustRoot(fields, subject, now);
    case 'v1 Secret':
      return [];
    case 'v1 ConfigMap':
      return lintConfig(fields, subject);
    case `${EXCEPTION_API_VERSION} ImageException`:
    case `${EXCEPTION_API_VERSION} BreakGlass`:
      return lintException(parseImageException(fields), subject, now);
    case `${EXCEPTION_API_VERSION} ImagePolicy`:
      return lintClusterImagePolicy(parseImagePolicy(fields));
    case 'kyverno.io/v1 ClusterPolicy':
    case 'kyverno.io/v1 Policy':
    case 'kyverno.io/v2beta1 ClusterPolicy':
    case 'kyverno.io/v2beta1 Policy':
      return parseKyvernoPolicy(fields).flatMap(lintImageRule);
    default: {
      const policy = parseClusterImagePolicy(fields);
      return [...lintClusterImagePolicy(policy), ...missingRoots(policy, roots, subject)];
    }
  }
}

function missingRoots(
  policy: ClusterImagePolicy,
  roots: ReadonlySet<string>,
  subject: string,
): readonly PolicyFinding[] {
  return [...clusterImageReferences(policy).trustRoots]
    .filter((name) => !roots.has(name))
    .map((name) => ({
      rule: 'trust-root-elsewhere',
      level: 'note',
      subject,
      path: 'spec.authorities',
      message: `the TrustRoot ${name} is in none of the files: it has to be in the cluster`,
    }));
}

/** policy-controller's configuration, where it stands beside the policies. */
function lintConfig(fields: JsonFields, subject: string): readonly PolicyFinding[] {
  if (nameOf(fields)[0] !== 'config-policy-controller') return [];
  const data = fields.optionalObject('data');
  const entries = new Map((data?.names() ?? []).map((name) => [name, data?.optionalString(name) ?? '']));
  const { noMatch, failsOnEmptyAuthorities } = readControllerConfig(entries);
  return [
    ...(noMatch === 'deny'
      ? []
      : [
          {
            rule: 'no-match-allows',
            level: 'warning',
            subject,
            path: 'data.no-match-policy',
            message: `images that no policy is about are let in (${noMatch}): a new registry is not guarded until somebody thinks of it`,
            instead: 'no-match-policy: deny, with a policy for what shall pass',
          } as const,
        ]),
    ...(failsOnEmptyAuthorities
      ? []
      : [
          {
            rule: 'empty-authorities-allowed',
            level: 'warning',
            subject,
            path: 'data.fail-on-empty-authorities',
            message: 'a policy without authorities is accepted',
          } as const,
        ]),
  ];
}
