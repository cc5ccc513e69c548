import type { JsonObject } from '../../../encoding/json.ts';
import type { Converted, Lose } from '../conversion-loss.ts';
import { EXCEPTION_API_VERSION } from '../../objects/image-exception.ts';
import type { Attestor } from '../../kyverno/attestor.ts';
import { attestorsIn, conjuncts, formulaProgram, isAny, type Formula } from './attestor-formula.ts';
import { authorityFor, type AuthorityContext } from './attestor-authority.ts';
import type { PolicyObjectsForm } from './rule-objects.ts';
import { TrustRootShelf } from './trust-root-form.ts';

/** What a policy of Kyverno's says, as far as it is said of one list of images. */
export interface PolicyContent {
  /** Of the policy; the documents get names that begin with it. */
  readonly name: string;
  /** Of a policy of a namespace. */
  readonly namespace?: string;
  /** What belongs to one rule among several has its name. */
  readonly rule?: string;
  readonly path: string;
  readonly globs: readonly string[];
  readonly objects: PolicyObjectsForm;
  readonly mode: 'enforce' | 'warn';
  /** All of them have to hold. */
  readonly demands: readonly SignatureDemand[];
  /** What happens where there is no demand. */
  readonly otherwise: 'pass' | 'fail' | 'nothing';
}

/** Signatures, or statements of a type. */
export interface SignatureDemand {
  readonly path: string;
  readonly formula: Formula;
  readonly attestation?: JsonObject;
}

export interface ClusterImageFormOptions {
  /** The log that signatures are in where the policy names none. */
  readonly logUrl: string;
  /** Where the Secrets are that policy-controller reads. */
  readonly systemNamespace: string;
}

/** The documents of one policy: everything that has to hold by itself is one, as all policies about an image have to pass. */
export function writePolicies(
  contents: readonly PolicyContent[],
  losses: Converted['losses'],
  lose: Lose,
  options: ClusterImageFormOptions,
): Converted {
  const name = contents[0]?.name ?? 'policy';
  const shelf = new TrustRootShelf(name, lose);
  const taken = new Set<string>();
  const documents = contents.flatMap((content) => {
    const namespaces = content.namespace === undefined ? content.objects.namespaces : [content.namespace];
    const context: AuthorityContext = { lose, ...options, trustRoots: namespaces === undefined ? shelf : undefined };
    const specs = specsOf(content, context);
    return specs.flatMap((spec, index) => {
      const stem = [content.name, content.rule, specs.length === 1 ? undefined : String(index + 1)];
      const own = freeName(stem.filter((part) => part !== undefined).join('-'), taken);
      return objectsFor(own, namespaces, spec);
    });
  });
  return { documents: documents.length === 0 ? [] : [...shelf.documents, ...documents], losses };
}

function objectsFor(name: string, namespaces: readonly string[] | undefined, spec: JsonObject): readonly JsonObject[] {
  if (namespaces === undefined) {
    return [{ apiVersion: 'policy.sigstore.dev/v1beta1', kind: 'ClusterImagePolicy', metadata: { name }, spec }];
  }
  return namespaces.map((namespace) => ({
    apiVersion: EXCEPTION_API_VERSION,
    kind: 'ImagePolicy',
    metadata: { name, namespace },
    spec,
  }));
}

function specsOf(content: PolicyContent, context: AuthorityContext): readonly JsonObject[] {
  const { globs, objects, mode, demands, otherwise, path } = content;
  if (globs.length === 0) {
    context.lose(path, 'its patterns, which are about no image', 'told');
    return [];
  }
  const common = {
    ...(mode === 'warn' ? { mode } : {}),
    images: globs.map((glob) => ({ glob })),
    ...(objects.match.length === 0 ? {} : { match: [...objects.match] }),
  };
  if (demands.length === 0) {
    if (otherwise === 'nothing') return [];
    const message = 'no attestor is named that could have signed it';
    const decided = otherwise === 'pass' ? { action: otherwise } : { action: otherwise, message };
    return [{ ...common, authorities: [{ static: decided }] }];
  }
  return demands.flatMap((demand) =>
    conjuncts(demand.formula).flatMap((formula): readonly JsonObject[] => {
      const asked = askedOf(formula, demand, context);
      if (asked !== undefined) return [{ ...common, ...asked }];
      context.lose(demand.path, 'all of this: no authority is left that could be asked for', 'looser');
      return [];
    }),
  );
}

/** `authorities`, with the program that counts them where one is not enough. */
function askedOf(
  formula: Formula,
  { attestation }: SignatureDemand,
  context: AuthorityContext,
): JsonObject | undefined {
  const named = new Map<Attestor, string>();
  const authorities = attestorsIn(formula).flatMap((attestor, index): readonly JsonObject[] => {
    const authority = authorityFor(attestor, context);
    if (authority === undefined) return [];
    const name = `attestor-${index + 1}`;
    named.set(attestor, name);
    return [{ name, ...authority, ...(attestation === undefined ? {} : { attestations: [attestation] }) }];
  });
  if (authorities.length === 0) return undefined;
  const program = formulaProgram(formula, named);
  if (program !== undefined) return { authorities, policy: { type: 'rego', data: program } };
  return { authorities: isAny(formula) ? merged(authorities) : authorities };
}

/** Neighbours that differ in their identities alone are one authority with all of these. */
function merged(authorities: readonly JsonObject[]): JsonObject[] {
  const list: JsonObject[] = [];
  for (const authority of authorities) {
    const last = list.at(-1);
    const own = partsOf(authority);
    const before = last === undefined ? undefined : partsOf(last);
    if (own === undefined || before?.rest !== own.rest) list.push(authority);
    else {
      const identities = [...before.identities, ...own.identities];
      list[list.length - 1] = { ...last, keyless: { ...before.keyless, identities } };
    }
  }
  return list.map((authority, index) => ({ ...authority, name: `attestor-${index + 1}` }));
}

function partsOf(
  authority: JsonObject,
): { readonly keyless: JsonObject; readonly identities: readonly JsonObject[]; readonly rest: string } | undefined {
  const keyless = authority['keyless'] as JsonObject | undefined;
  if (keyless === undefined) return undefined;
  const { identities, ...others } = keyless;
  return {
    keyless,
    identities: identities as readonly JsonObject[],
    rest: JSON.stringify({ ...authority, name: '', keyless: others }),
  };
}

/** RFC 1123: what the API server accepts as an object's name. */
function freeName(wanted: string, taken: Set<string>): string {
  const words = wanted
    .toLowerCase()
    .split(/[^a-z0-9.]+/)
    .filter((word) => word !== '');
  const stem =
    words
      .join('-')
      .slice(0, 240)
      .replace(/^[-.]+|[-.]+$/g, '') || 'policy';
  let name = stem;
  for (let number = 2; taken.has(name); number++) name = `${stem}-${number}`;
  taken.add(name);
  return name;
}
