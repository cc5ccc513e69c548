/** One thing that is not as it should be, and the command that mends it. */
export interface StatusProblem {
  readonly text: string;
  readonly fix: string;
}
