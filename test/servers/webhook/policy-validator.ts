/** policy-controller's own validation (the peer policy-validator, or what it said when it was asked last). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { POLICY_CASES, TRUST_ROOT_CASES } from './policy-cases.ts';

export interface Verdict {
  /** Empty when it admits. */
  readonly refusal: string;
  readonly warnings: string;
  /** What is left of the object when its defaults are in. */
  readonly object?: { readonly spec: unknown };
}

export interface Case {
  /** What the tests call it: kind, version, and what is wrong. */
  readonly name: string;
  readonly object: { readonly apiVersion: string; readonly kind: string; readonly spec: object };
}

const GROUP = 'policy.sigstore.dev';
const KINDS = [
  ['ClusterImagePolicy', 'v1beta1', POLICY_CASES],
  ['ClusterImagePolicy', 'v1alpha1', POLICY_CASES],
  ['TrustRoot', 'v1alpha1', TRUST_ROOT_CASES],
] as const;

export const CASES: readonly Case[] = KINDS.flatMap(([kind, version, cases]) =>
  Object.entries(cases).map(([what, spec]) => ({
    name: `${kind} ${version}: ${what}`,
    object: { apiVersion: `${GROUP}/${version}`, kind, metadata: { name: 'p' }, spec },
  })),
);

/** @param executable the peer's */
export function askValidator(executable: string): ReadonlyMap<string, Verdict> {
  const answers = execFileSync(executable, {
    input: CASES.map(({ object }) => JSON.stringify(object)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    // Read when its packages are loaded: where the controller is, and a name for its metrics.
    env: { SYSTEM_NAMESPACE: 'cosign-system', METRICS_DOMAIN: 'sigstore.dev/policy' },
  });
  const lines = answers.trimEnd().split('\n');
  return new Map(CASES.map(({ name }, index) => [name, JSON.parse(lines[index] ?? 'null') as Verdict]));
}

/** Refusals and warnings from the vectors. */
export function recordedVerdicts(): ReadonlyMap<string, Pick<Verdict, 'refusal' | 'warnings'>> {
  const path = resolve(import.meta.dirname, '../../vectors/policy-controller/validation.json');
  return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, Verdict>));
}
