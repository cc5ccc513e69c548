import { UsageError } from '../../errors.ts';
import { variable, type Environment } from '../terminal/environment.ts';

/** The flag and the variable that say it, and the name under which a program is called that means to be cosign. */
const FLAG = '--compat';
const VARIABLE = 'SEALWRIGHT_COMPAT';
const COSIGN = 'cosign';
const NONE = 'none';

export interface CompatSource {
  readonly arguments: readonly string[];
  readonly environment: Environment;
  /** What the program was called as, without folder. */
  readonly programName: string;
}

/**
 * Whether cosign's behaviour is wanted to the letter, with what that does not protect from. The command line wins over the
 * environment, which wins over the name. Found out before the command line is parsed, because how a flag that does not
 * parse is complained about depends on it.
 *
 * @throws UsageError USAGE_BAD_FLAG for any other program than cosign: silence would leave a script in the wrong mode
 */
export function isCompatWanted(source: CompatSource): boolean {
  const fromFlag = flagValue(source.arguments);
  if (fromFlag !== undefined) return isCosign(fromFlag, FLAG);
  const fromVariable = variable(source.environment, VARIABLE);
  if (fromVariable !== undefined) return isCosign(fromVariable, VARIABLE);
  return source.programName === COSIGN;
}

function flagValue(args: readonly string[]): string | undefined {
  const end = args.indexOf('--');
  const before = end === -1 ? args : args.slice(0, end);
  let found: string | undefined;
  for (const [index, text] of before.entries()) {
    if (text === FLAG) found = before[index + 1] ?? '';
    else if (text.startsWith(`${FLAG}=`)) found = text.slice(FLAG.length + 1);
  }
  return found;
}

function isCosign(value: string, where: string): boolean {
  if (value === COSIGN || value === NONE) return value === COSIGN;
  throw new UsageError('USAGE_BAD_FLAG', `${where} names no program whose behaviour is known`, {
    found: value,
    expected: `${COSIGN}, or ${NONE}`,
  });
}
