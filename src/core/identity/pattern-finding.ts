import type { Breadth } from './pattern-strangers.ts';

/** Stable names: programs tell findings apart by them. */
export type PatternFindingName =
  /** The pattern matches a part of the text, and anybody chooses the rest. */
  | 'unanchored'
  /** A bare `.` in a host or an address stands for any character. */
  | 'unescaped-dot'
  /** `*` repeats the character before it, and was meant as in file names. */
  | 'glob-as-pattern'
  /** Everybody is accepted. */
  | 'matches-anything'
  /** The text is compared letter by letter, and looks like a pattern. */
  | 'pattern-as-text'
  /** No certificate bears a workflow's name without `@` and the ref. */
  | 'workflow-without-ref'
  /** Whoever calls the workflow signs as it. */
  | 'reusable-workflow'
  | Breadth;

export interface PatternFinding {
  readonly name: PatternFindingName;
  readonly part: 'subject' | 'issuer';
  /** As it was written. */
  readonly pattern: string;
  /** What is wrong, in one sentence. */
  readonly problem: string;
  /** Who gets in though nobody meant it: a text that the pattern matches. Absent where too little is matched, not too much. */
  readonly example?: string;
  /** What to write instead. */
  readonly instead: string;
}

/** One line, for warnings. */
export function patternFindingText({ part, pattern, problem, example, instead }: PatternFinding): string {
  const admits = example === undefined || example === pattern ? '' : `, such as ${example}`;
  return `${part} ${pattern}: ${problem}${admits}; write ${instead}`;
}
