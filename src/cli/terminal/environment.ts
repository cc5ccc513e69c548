export type Environment = Readonly<Record<string, string | undefined>>;

/** The first of the variables that says something; an empty one says nothing. */
export function variable(environment: Environment, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}
