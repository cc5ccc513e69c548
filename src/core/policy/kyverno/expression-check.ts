import type { KyvernoProblems } from './kyverno-problems.ts';

/** What Kyverno offers beside signatures: it reaches out, or looks at more than the request holds. */
const UNKNOWN_INPUT: readonly (readonly [RegExp, string])[] = [
  [/\bresource\s*\.\s*(Get|List|Post)\b/, 'resource: nothing is looked up in the cluster'],
  [/\bhttp\s*\.\s*(Get|Post)\b/, 'http: expressions do not reach out'],
  [/\bglobalContext\b/, 'globalContext: nothing is looked up in the cluster'],
  [/\bgetImageData\s*\(/, 'getImageData: an expression sees no manifest'],
  [/\brandom\s*\(/, 'random: the same request has the same answer'],
  [/\bnamespaceObject\b/, 'namespaceObject: an admission review holds no namespace'],
];

/** What an expression asks for and does not get is named when it is loaded, wherever the engine would stumble over it. */
export function checkExpression(expression: string, path: string, problems: KyvernoProblems): void {
  for (const [pattern, why] of UNKNOWN_INPUT) if (pattern.test(expression)) problems.unsupported(path, why);
}
