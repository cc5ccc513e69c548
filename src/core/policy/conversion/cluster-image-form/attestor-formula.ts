import type { Attestor, AttestorSet } from '../../kyverno/attestor.ts';

/** `count` of the parts have to hold. */
export type Formula =
  | { readonly kind: 'attestor'; readonly attestor: Attestor }
  | { readonly kind: 'count'; readonly count: number; readonly parts: readonly Formula[] };

export function formulaOf({ count, entries }: AttestorSet): Formula {
  return {
    kind: 'count',
    count,
    parts: entries.map((entry) => (entry.kind === 'set' ? formulaOf(entry) : { kind: 'attestor', attestor: entry })),
  };
}

/**
 * What has to hold each by itself: sets all of whose entries are needed are taken apart, as every `ClusterImagePolicy` about an image has
 * to pass.
 */
export function conjuncts(formula: Formula): readonly Formula[] {
  if (formula.kind === 'attestor') return [formula];
  const { count, parts } = formula;
  return count === parts.length ? parts.flatMap(conjuncts) : [formula];
}

export function attestorsIn(formula: Formula): readonly Attestor[] {
  return formula.kind === 'attestor' ? [formula.attestor] : formula.parts.flatMap(attestorsIn);
}

/** Whether any attestor of it is enough, as any authority of a policy is. */
export function isAny(formula: Formula): boolean {
  return formula.kind === 'attestor' || (formula.count === 1 && formula.parts.every(isAny));
}

/**
 * A program in Rego for `spec.policy` that counts satisfied authorities, and asks of their certificates what identities cannot say.
 *
 * @param names what the authorities are called, by attestor
 * @returns undefined where any authority is enough
 */
export function formulaProgram(formula: Formula, names: ReadonlyMap<Attestor, string>): string | undefined {
  const hasExtensions = attestorsIn(formula).some((attestor) => extensionTests(attestor).length > 0);
  if (isAny(formula) && !hasExtensions) return undefined;
  const rules: string[] = [];
  let number = 0;
  const write = (part: Formula): string => {
    const rule = `holds_${++number}`;
    if (part.kind === 'attestor') rules.push(...attestorRules(rule, part.attestor, names.get(part.attestor) ?? ''));
    else {
      const inner = part.parts.map(write);
      const counted = inner.map((name) => `[true | ${name}]`).map((list) => `count(${list})`);
      rules.push(`${rule} { ${counted.join(' + ')} >= ${part.count} }`);
    }
    return rule;
  };
  const whole = write(formula);
  return ['package sigstore', '', 'default isCompliant = false', '', ...rules, `isCompliant { ${whole} }`, ''].join(
    '\n',
  );
}

/** One for signatures, and one for attestations, of which an authority has either. */
function attestorRules(rule: string, attestor: Attestor, name: string): readonly string[] {
  const match = `input.authorityMatches[${JSON.stringify(name)}]`;
  const tests = extensionTests(attestor);
  if (tests.length === 0) return [`${rule} { ${match} }`];
  return [`${match}.signatures[_]`, `${match}.attestations[_][_]`].map(
    (place) => `${rule} { signature := ${place}; ${tests.join('; ')} }`,
  );
}

/** What a program sees of Fulcio's extensions, by the names of policy-controller's members. */
const MEMBERS: Readonly<Record<string, string>> = {
  issuer: 'issuer',
  githubWorkflowTrigger: 'githubWorkflowTrigger',
  githubWorkflowSha: 'githubWorkflowSha',
  githubWorkflowName: 'githubWorkflowName',
  githubWorkflowRepository: 'githubWorkflowRepo',
  githubWorkflowRef: 'githubWorkflowRef',
};

function extensionTests(attestor: Attestor): readonly string[] {
  if (attestor.kind !== 'keyless') return [];
  return [...attestor.extensions].flatMap(([name, { text }]) => {
    if (/^\*+$/.test(text)) return [];
    const member = `signature.${MEMBERS[name] ?? name}`;
    if (!/[*?]/.test(text)) return [`${member} == ${JSON.stringify(text)}`];
    return [`regex.match(${JSON.stringify(wildcardPattern(text))}, ${member})`];
  });
}

/** A wildcard of Kyverno's as a pattern in RE2 for the whole text. */
export function wildcardPattern(text: string): string {
  const escaped = text.replace(/[\\^$.+()[\]{}|]/g, String.raw`\$&`);
  return `^${escaped.replaceAll('?', '.').replace(/\*+/g, '.*')}$`;
}
