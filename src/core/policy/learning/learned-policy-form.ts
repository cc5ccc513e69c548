import { stringify } from 'yaml';
import type { JsonObject } from '../../encoding/json.ts';
import { EXCEPTION_API_VERSION } from '../objects/image-exception.ts';
import type { Learned, LearnedPolicy } from './learned-policies.ts';
import type { Caller, SignerDemand } from './signer-demand.ts';

/** In which form policies are written: the cluster's, one for each namespace, or Kyverno's. */
export type PolicyForm = 'cip' | 'image-policy' | 'kyverno';

export interface LearnedObjectsOptions {
  readonly form: Exclude<PolicyForm, 'kyverno'>;
  readonly mode: 'warn' | 'enforce';
  /** Where policies of a namespace are put when an image was only named; those that run it otherwise. */
  readonly namespaces: readonly string[];
  /** Where the log is that keys' signatures are in: it stands for the demand of an entry. */
  readonly logUrl: string | undefined;
}

/** An object for the cluster's API. */
export interface PolicyDocument {
  readonly apiVersion: string;
  readonly kind: 'ClusterImagePolicy' | 'ImagePolicy' | 'ClusterPolicy';
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: JsonObject;
}

export interface LearnedObject {
  readonly policy: LearnedPolicy;
  readonly document: PolicyDocument;
}

/** Learnt policies as objects for a cluster. */
export function learnedObjects({ policies }: Learned, options: LearnedObjectsOptions): readonly LearnedObject[] {
  return policies.flatMap((policy): readonly LearnedObject[] => {
    const spec = specOf(policy, options);
    if (options.form === 'cip') {
      const metadata = { name: policy.name };
      return [
        { policy, document: { apiVersion: 'policy.sigstore.dev/v1beta1', kind: 'ClusterImagePolicy', metadata, spec } },
      ];
    }
    const namespaces = policy.namespaces.length > 0 ? policy.namespaces : options.namespaces;
    return namespaces.map((namespace): LearnedObject => ({
      policy,
      document: {
        apiVersion: EXCEPTION_API_VERSION,
        kind: 'ImagePolicy',
        metadata: { name: policy.name, namespace },
        spec,
      },
    }));
  });
}

/** The same as text, each with its notes in front, and what was left out at the top. */
export function renderLearned(learned: Learned, objects: readonly LearnedObject[]): string {
  const head = learned.leftOut.map(({ image, kind, code, reason }) => `left out: ${image}: ${code ?? kind}: ${reason}`);
  const documents = objects.map(({ policy, document }) =>
    [
      ...comments([
        `learnt from ${policy.images.length} image${policy.images.length === 1 ? '' : 's'}`,
        ...policy.notes,
      ]),
      stringify(document, { lineWidth: 0 }).trimEnd(),
    ].join('\n'),
  );
  return [...comments(head), documents.join('\n---\n'), ''].join('\n').replace(/^\n/, '');
}

/** Untrusted text must not end its comment. */
function comments(lines: readonly string[]): readonly string[] {
  return lines.map((line) => {
    const text = line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
      return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
    });
    return `# ${text}`;
  });
}

function specOf({ globs, demands }: LearnedPolicy, { mode, logUrl }: LearnedObjectsOptions): PolicyDocument['spec'] {
  const authorities = demands.map((demand, index) => ({
    name: `signer-${index + 1}`,
    ...demandAuthority(demand, logUrl),
  }));
  const program = callerProgram(demands);
  return {
    mode,
    images: globs.map((glob) => ({ glob })),
    authorities,
    ...(program === undefined ? {} : { policy: { type: 'rego', data: program } }),
  };
}

/** What an authority says so that the demand is made. */
export function demandAuthority(demand: SignerDemand, logUrl: string | undefined): JsonObject {
  if (demand.kind === 'key') {
    const log = demand.isLogged && logUrl !== undefined ? { ctlog: { url: logUrl } } : {};
    return { key: { data: demand.key.toPem() }, ...log };
  }
  const { issuer, subject } = demand;
  const who = subject.kind === 'exact' ? { subject: subject.value } : { subjectRegExp: subject.source };
  return { keyless: { identities: [{ issuer, ...who }] } };
}

/**
 * A program that asks for which repository a reusable workflow has signed: an identity has no member for that. Undefined where
 * no workflow is reused.
 */
function callerProgram(demands: readonly SignerDemand[]): string | undefined {
  const callers = demands.map((demand) => (demand.kind === 'identity' ? demand.caller : undefined));
  if (callers.every((caller) => caller === undefined)) return undefined;
  const rules = callers.flatMap((caller, index) => rulesFor(`signer-${index + 1}`, caller));
  return ['package sigstore', '', 'default isCompliant = false', ...rules, ''].join('\n');
}

function rulesFor(authority: string, caller: Caller | undefined): readonly string[] {
  const match = `input.authorityMatches[${JSON.stringify(authority)}]`;
  if (caller === undefined) return ['', `isCompliant { ${match} }`];
  return (caller.refs ?? [undefined]).flatMap((ref) => [
    '',
    'isCompliant {',
    `  signature := ${match}.signatures[_]`,
    `  signature.githubWorkflowRepo == ${JSON.stringify(caller.repository)}`,
    ...(ref === undefined ? [] : [`  ${refTest(ref)}`]),
    '}',
  ]);
}

function refTest(ref: string): string {
  return ref.endsWith('*')
    ? `startswith(signature.githubWorkflowRef, ${JSON.stringify(ref.slice(0, -1))})`
    : `signature.githubWorkflowRef == ${JSON.stringify(ref)}`;
}
