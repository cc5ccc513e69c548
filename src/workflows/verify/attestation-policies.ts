import { FormatError, PolicyError } from '../../errors.ts';
import { parseJson, type JsonObject } from '../../core/encoding/json.ts';
import type { PolicyEngines, PolicySource } from '../../io/engines/policy-engines.ts';
import { COSIGN_REGO_QUERY, cosignRegoVerdict } from '../../io/engines/rego-verdict.ts';

export type PolicyLanguage = 'cue' | 'rego' | 'cel';

/** A policy that attestations have to satisfy. */
export interface AttestationPolicy extends PolicySource {
  readonly language: PolicyLanguage;
}

/**
 * Policies over attestations, on the engines that they were written for (cosign.md §4.2): all CUE files are one instance
 * that the statement has to validate against; all Rego files together have to make `data.signature.allow` true, and nothing
 * else than `true`; each CEL file is an expression that has to be `true`, over `input`, the statement, and its `subject`,
 * `predicateType` and `predicate`.
 */
export class AttestationPolicies {
  readonly #engines: PolicyEngines;
  readonly #policies: readonly AttestationPolicy[];
  readonly #now: Date;

  /** @param now what Rego gets to hear when it asks for the time */
  constructor(engines: PolicyEngines, policies: readonly AttestationPolicy[], now: Date) {
    this.#engines = engines;
    this.#policies = policies;
    this.#now = now;
  }

  /** Names of all of them, in the order given. */
  get names(): readonly string[] {
    return this.#policies.map(({ name }) => name);
  }

  /**
   * Why a statement does not satisfy the policies, in the engines' words; nothing when it does. A policy that fails on this
   * statement has refused it.
   *
   * @param input from `policyInput`
   * @throws FormatError FORMAT_POLICY for a policy that does not compile or asks for what policies do not get; RemoteError
   *   POLICY_ENGINE_*; LimitError
   */
  async objections(input: string): Promise<readonly string[]> {
    // cosign's order: what fails in CUE is not put before Rego.
    for (const judge of [this.#cue, this.#rego, this.#cel]) {
      const objections = await asObjection(() => judge.call(this, input));
      if (objections.length > 0) return objections;
    }
    return [];
  }

  async #cue(input: string): Promise<readonly string[]> {
    const files = this.#written('cue');
    if (files.length === 0) return [];
    const result = await this.#engines.evaluateCue({ files, input, reading: 'cosign' });
    return result.valid ? [] : [`${names(files)}: ${result.reason}`];
  }

  async #rego(input: string): Promise<readonly string[]> {
    const modules = this.#written('rego');
    if (modules.length === 0) return [];
    const evaluation = { modules, query: COSIGN_REGO_QUERY, input, now: this.#now };
    const verdict = cosignRegoVerdict(await this.#engines.evaluateRego(evaluation));
    return verdict.compliant ? [] : verdict.reasons.map((reason) => `${names(modules)}: ${reason}`);
  }

  async #cel(input: string): Promise<readonly string[]> {
    const expressions = this.#written('cel');
    if (expressions.length === 0) return [];
    const variables = celVariables(input);
    const objections: string[] = [];
    for (const { name, text } of expressions) {
      const { value, type } = await this.#engines.evaluateCel({ expression: text, variables });
      if (value !== true)
        objections.push(`${name}: ${type === 'bool' ? 'false' : `a value of type ${type}, not true`}`);
    }
    return objections;
  }

  #written(wanted: PolicyLanguage): readonly PolicySource[] {
    return this.#policies.filter(({ language }) => language === wanted).map(({ name, text }) => ({ name, text }));
  }
}

function celVariables(input: string): JsonObject {
  const statement = parseJson(input, 'the statement', 'FORMAT_STATEMENT') as JsonObject;
  const { subject = [], predicateType = '', predicate = {} } = statement;
  return { input: statement, subject, predicateType, predicate };
}

function names(sources: readonly PolicySource[]): string {
  return sources.map(({ name }) => name).join(', ');
}

async function asObjection(judge: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await judge();
  } catch (error) {
    if (error instanceof PolicyError && error.code === 'POLICY_EVALUATION') {
      return [`${error.message}: ${error.facts.found ?? 'no reason given'}`];
    }
    // The engines and we read the same JSON; what they object to in it is the statement's fault and not the policy's.
    if (error instanceof FormatError && error.code === 'FORMAT_JSON')
      return [`${error.message}: ${error.facts.found ?? ''}`];
    throw error;
  }
}
