import { homedir } from 'node:os';
import { join } from 'node:path';
import { variable, type Environment } from './environment.ts';

/** Where this user's choices are kept (XDG Base Directory Specification): which stack was started last. */
export function configFolder(environment: Environment): string {
  return join(variable(environment, 'XDG_CONFIG_HOME') ?? join(homedir(), '.config'), 'sealwright');
}
