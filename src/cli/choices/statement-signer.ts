import { encodeStatement, type Statement } from '../../core/attestation/statement.ts';
import { UsageError } from '../../errors.ts';
import { attestBlobBy, type AttestedBlob } from '../../workflows/sign/attest-blob.ts';
import { SharedCredentials } from '../../workflows/sign/shared-credentials.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { OWN_SIGNING_NAMES } from '../flags/snapshot-flags.ts';
import { chosenSigner, type ChosenSigner } from './signer-choice.ts';
import { signingClient } from './signing-client.ts';
import { signingConfigOf, signingOptions, signingTrust } from './signing-services-choice.ts';

/** Signs what an audit says about files, all of it with one login. */
export interface StatementSigner {
  readonly key: ChosenSigner['key'];
  /** @param hex SHA-256 of what the statement is about. @throws as `attestBlob` */
  readonly sign: (name: string, hex: string, statement: Statement) => Promise<AttestedBlob>;
  readonly close: () => void;
}

/**
 * Who is to sign what `--out` gets, before anything is looked at: an audit is too long to end for want of a token.
 *
 * @returns undefined without `--sign`
 * @throws UsageError USAGE_BAD_FLAG for `--sign` without a place, and for flags about signing without it; as `chosenSigner`
 */
export async function statementSigner(
  given: CommandContext,
  flagsOfSigning: readonly Flag[],
): Promise<StatementSigner | undefined> {
  const context = { ...given, flags: ownFlags(given.flags) };
  const { flags, now } = context;
  if (!flags.boolean('sign')) {
    const stray = flagsOfSigning.find(({ name }) => name !== 'sign' && flags.isGiven(name));
    if (stray === undefined) return undefined;
    throw new UsageError('USAGE_BAD_FLAG', `--${stray.name} is about signing, and nothing is signed`, {
      expected: '--sign as well',
    });
  }
  if (!flags.isGiven('out')) {
    throw new UsageError('USAGE_BAD_FLAG', '--sign needs a place for what is signed', { expected: '--out as well' });
  }
  const http = signingClient(context);
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  const signing = {
    http,
    signer,
    signingConfig: signingConfigOf(context, trust),
    trustedRoot: trust.trustedRoot,
    ...signingOptions(context, http),
    now,
  };
  const credentials = new SharedCredentials(signing, signer);
  return {
    key,
    sign: (name, hex, statement) =>
      attestBlobBy(
        {
          ...signing,
          artifact: { kind: 'digest', hex },
          name,
          content: { kind: 'statement', content: encodeStatement(statement) },
        },
        credentials,
      ),
    close: () => {
      http.close();
    },
  };
}

function ownFlags(flags: CommandContext['flags']): CommandContext['flags'] {
  return [...OWN_SIGNING_NAMES].reduce((named, [name, own]) => named.renamed(own, name), flags);
}
