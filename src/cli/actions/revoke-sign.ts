import { selectorText } from '../../core/revocation/revocation-selector.ts';
import type { RevocationStatement } from '../../core/revocation/revocation-statement.ts';
import {
  approveRevocation,
  encodeSignedRevocation,
  parseSignedRevocation,
  signRevocation,
  type SignedRevocation,
} from '../../workflows/revocation/revoke.ts';
import type { SignerInput, SigningContext } from '../../workflows/sign/signing-services.ts';
import { registryClient } from '../choices/registry-choice.ts';
import { revocationOf } from '../choices/revocation-statement-choice.ts';
import { chosenSigner } from '../choices/signer-choice.ts';
import { signingClient } from '../choices/signing-client.ts';
import { signingConfigOf, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { confirm } from '../terminal/confirmation.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { agreeToBlast, showBlast } from './blast-consent.ts';

const READABLE = 0o644;

export async function signStatementOfRevocation(context: CommandContext): Promise<void> {
  const statement = await revocationOf(context, () => registryClient(context, 'pull'));
  tell(context, statement);
  await agreeToBlast(context, statement);
  const signed = await signRevocation(await signingContext(context), statement);
  finish(context, signed, context.flags.string('out'));
}

export async function approveStatementOfRevocation(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const [path = ''] = flags.arguments;
  const signed = parseSignedRevocation(readTextFile(path));
  tell(context, signed.statement);
  if (signed.statement.kind === 'revocation') await showBlast(context, signed.statement);
  if (!flags.boolean('yes')) confirm(terminal, 'this is what your signature will say', 'yes');
  const approved = await approveRevocation(await signingContext(context), signed);
  finish(context, approved, flags.string('out') ?? path);
}

async function signingContext(context: CommandContext): Promise<SigningContext & { readonly signer: SignerInput }> {
  const http = signingClient(context);
  const trust = await signingTrust(context, http);
  context.terminal.progress(`  trust from ${trust.source}`);
  const { signer } = await chosenSigner(context, http, trust);
  const signingConfig = signingConfigOf(context, trust);
  return { http, signer, signingConfig, trustedRoot: trust.trustedRoot, now: context.now };
}

/** What is about to be signed, in words: nobody should have to read JSON in an emergency. */
function tell({ terminal }: CommandContext, statement: RevocationStatement): void {
  const say = (what: string, text: string): void => {
    terminal.progress(`  ${what.padEnd(12)}${visibleText(text)}`);
  };
  say('statement', statement.id);
  if (statement.kind === 'reinstatement') {
    say('reinstates', statement.reinstates);
  } else {
    const { selector, effectiveFrom, effectiveTo, action, severity, isDrill } = statement;
    say('revokes', selectorText(selector));
    if (selector.kind === 'digest') for (const digest of selector.digests.slice(1)) say('', digest);
    say('signed', `${effectiveFrom?.toISOString() ?? 'ever'} until ${effectiveTo?.toISOString() ?? 'further notice'}`);
    say('verifiers', `${action}, severity ${severity}${isDrill ? ', a drill' : ''}`);
  }
  say('reason', statement.reason);
}

function finish({ terminal }: CommandContext, signed: SignedRevocation, path: string | undefined): void {
  const text = encodeSignedRevocation(signed);
  terminal.progress(terminal.done(`signed and logged, by ${signed.bundles.length}`));
  if (path === undefined) {
    terminal.result(text.trimEnd());
    return;
  }
  writeOutputFile(path, text, READABLE);
  terminal.progress(`  another:  sealwright revoke approve --key KEY ${path}`);
  terminal.progress(`  publish:  sealwright revoke publish --snapshot-key KEY ${path}`);
}
