import type { ImageReference } from '../../core/image/reference.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { RegistryClient } from '../../io/registry/registry-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { askAsCosign } from '../terminal/confirmation.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * cosign's questions before a person's data go where nothing is ever removed (cosign.md §1.4). They belong to its mode: its
 * statement is about the public instance's terms, and it asks wherever services are named by flags, at a terminal or not.
 * By default nothing is asked, and `--yes` has nothing to answer.
 */
const STATEMENT = [
  '',
  '\tA public log of the sigstore service, hosted by sigstore a Series of LF Projects, LLC, is used under these terms:',
  '\thttps://lfprojects.org/policies/hosted-project-tools-terms-of-use/',
  '\tWhat is signed with is kept there for everybody to read, an e-mail address that you log in with among it, and can never',
  '\tbe removed: https://lfprojects.org/policies/hosted-project-tools-immutable-records/',
  '',
  "By typing 'y', you attest that no personal data of anybody else is submitted, and that you agree to both.",
].join('\n');

const QUESTION = { refusal: 'nothing was signed', fix: 'add --yes to go on without the question' };

/** Once per command, whoever asks first. */
const told = new WeakSet<Terminal>();

/** @throws UsageError USAGE_NOT_CONFIRMED */
export function agreeToStatement({ flags, terminal }: CommandContext): void {
  if (told.has(terminal)) return;
  told.add(terminal);
  terminal.note(STATEMENT);
  if (!flags.boolean('yes')) askAsCosign(terminal, QUESTION);
}

/** Whether cosign would ask: for services by flags, which it takes for the public instance's, and a log among them. */
export function isLogConsentWanted({ flags, compat }: CommandContext): boolean {
  const isConfigured = flags.boolean('use-signing-config') || flags.isGiven('signing-config');
  return compat && !isConfigured && flags.boolean('tlog-upload');
}

/**
 * The images whose signatures are not to be logged after all, of those that cannot be read by everybody.
 *
 * @throws UsageError USAGE_NOT_CONFIRMED when nothing is to be signed
 */
export async function privateUnlogged(
  context: CommandContext,
  references: readonly ImageReference[],
): Promise<ReadonlySet<ImageReference>> {
  const unlogged = new Set<ImageReference>();
  if (!isLogConsentWanted(context)) return unlogged;
  const { flags, terminal, environment } = context;
  for (const reference of references) {
    if (flags.boolean('yes') || (await isPublic(environment, reference))) continue;
    terminal.warn(
      `"${reference.context}" appears to be a private repository, please confirm uploading to the transparency log`,
    );
    if (isDeclined(terminal)) {
      terminal.note('not uploading to transparency log');
      unlogged.add(reference);
    }
  }
  if (references.some((reference) => !unlogged.has(reference))) agreeToStatement(context);
  return unlogged;
}

async function isPublic(environment: CommandContext['environment'], reference: ImageReference): Promise<boolean> {
  try {
    await new RegistryClient({ http: new HttpClient({ proxyEnv: environment }), action: 'pull' }).resolve(reference);
    return true;
  } catch (error) {
    if (error instanceof SealwrightError) return false;
    throw error;
  }
}

function isDeclined(terminal: Terminal): boolean {
  try {
    askAsCosign(terminal, QUESTION);
    return false;
  } catch (error) {
    if (error instanceof UsageError) return true;
    throw error;
  }
}
