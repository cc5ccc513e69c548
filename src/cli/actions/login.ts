import { isatty } from 'node:tty';
import { FormatError, UsageError } from '../../errors.ts';
import { DEFAULT_REGISTRY, parseReference } from '../../core/image/reference.ts';
import { keepLogin, type Login } from '../../io/registry/docker-login.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readWholeInput } from '../terminal/input-file.ts';
import { askPassword } from '../terminal/password-prompt.ts';

const STDIN = 0;

export async function loginCommand(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat } = context;
  const registry = registryName(flags.arguments[0]);
  const { username, password } = compat ? await asCosign(context) : await credentialsFor(context, registry);
  const { path, helper } = await keepLogin({ registry, username, password }, environment);
  terminal.progress(terminal.done(`kept      ${username} for ${registry} in ${helper ?? path}`));
  if (helper === undefined) terminal.warn('the password is in that file as it is; a credential store would hide it');
}

type Credentials = Pick<Login, 'username' | 'password'>;

async function credentialsFor(context: CommandContext, registry: string): Promise<Credentials> {
  const username = context.flags.string('username');
  if (username !== undefined) return { username, password: await passwordFor(context, username, registry) };
  throw new UsageError('USAGE_BAD_FLAG', '--username is missing', { expected: '--username NAME' });
}

/** cosign asks nobody, takes the pipe before the flag, and keeps a name without a password and a password without a name. */
async function asCosign({ flags }: CommandContext): Promise<Credentials> {
  const piped = flags.boolean('password-stdin') ? (await readWholeInput('-')).toString() : undefined;
  const username = flags.string('username') ?? '';
  const password = piped?.replace(/\r?\n$/, '') ?? flags.string('password') ?? '';
  if (username !== '' || password !== '') return { username, password };
  throw new UsageError('USAGE_BAD_FLAG', 'neither a name nor a password was given', {
    expected: '--username NAME --password-stdin, and the password',
    details: { cosign: 'username and password required' },
  });
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
