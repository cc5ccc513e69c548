import { isatty } from 'node:tty';
import { FormatError, UsageError } from '../../errors.ts';
import { DEFAULT_REGISTRY, parseReference } from '../../core/image/reference.ts';
import { keepLogin } from '../../io/registry/docker-login.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readWholeInput } from '../terminal/input-file.ts';
import { askPassword } from '../terminal/password-prompt.ts';

const STDIN = 0;

export async function loginCommand(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  const registry = registryName(flags.arguments[0]);
  const username = flags.string('username');
  if (username === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', '--username is missing', { expected: '--username NAME' });
  }
  const password = await passwordFor(context, username, registry);
  const { path, helper } = await keepLogin({ registry, username, password }, environment);
  terminal.progress(terminal.done(`kept      ${username} for ${registry} in ${helper ?? path}`));
  if (helper === undefined) terminal.warn('the password is in that file as it is; a credential store would hide it');
}

async function passwordFor({ flags }: CommandContext, username: string, registry: string): Promise<string> {
  flags.exclude('password', 'password-stdin');
  const given = flags.string('password');
  if (given !== undefined) return given;
  const typed =
    flags.boolean('password-stdin') || !isatty(STDIN)
      ? Buffer.from(await readWholeInput('-')).toString('utf8')
      : await askPassword({ what: `${username} at ${registry}`, confirm: false });
  const password = typed.replace(/\r?\n$/, '');
  if (password !== '') return password;
  throw new UsageError('USAGE_PASSWORD', 'no password was given', { expected: '--password-stdin, and the password' });
}

/** Docker Hub when absent, as for Docker. */
function registryName(text: string | undefined): string {
  if (text === undefined || ['docker.io', DEFAULT_REGISTRY].includes(text)) return DEFAULT_REGISTRY;
  const host = text.replace(/^https?:\/\//, '').replace(/\/$/, '');
  try {
    // A host alone cannot be told from a repository of Docker Hub's: whatever is typed here is a host.
    const { registry } = parseReference(/[.:]|^localhost$/.test(host) ? `${host}/any` : `${host}:443/any`);
    return registry.endsWith(':443') && !host.endsWith(':443') ? host : registry;
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new UsageError('USAGE_BAD_REFERENCE', 'this is not a registry', {
      found: text,
      expected: 'HOST[:PORT]',
      cause,
    });
  }
}
