/** One thing that is not as it should be, and the command that mends it. */
export interface StatusProblem {
  readonly text: string;
  readonly fix: string;
}

/**
 * The command that brings an installation up to date.
 *
 * @param more flags that it wants beside those that the installation was made with
 */
export type InstallAgain = (more?: readonly string[]) => string;
