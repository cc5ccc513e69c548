/** The process's environment, handed in. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** An empty variable is none, as everywhere in a shell. */
export function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}
