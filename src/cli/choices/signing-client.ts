import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { refuseRemoteKey } from './key-choice.ts';

type Asking = readonly [flag: string, what: string];

const USE_SIGNING_CONFIG: Asking = ['use-signing-config', 'the services of the instance'];
/** What each of them would have asked. */
const ASKING: readonly Asking[] = [
  ['issue-certificate', 'a certificate authority'],
  ['signing-config', 'the services that it lists'],
  ['fulcio-url', 'a certificate authority'],
  ['rekor-url', 'a log'],
  ['timestamp-server-url', 'a timestamp authority'],
  ['oidc-issuer', 'an identity provider'],
];

/**
 * The client that a signing command asks services with. With `--offline` (docs/decisions/0059) it opens no socket, and what
 * would take one is refused before anything is read, made or written.
 *
 * @throws UsageError USAGE_BAD_FLAG; RemoteError REMOTE_OFFLINE for a key that is somewhere else
 */
export function signingClient(context: CommandContext): HttpClient {
  const { flags, environment } = context;
  const offline = flags.boolean('offline');
  if (offline) refuseNetwork(context);
  return new HttpClient({ proxyEnv: environment, offline });
}

function refuseNetwork({ flags }: CommandContext): void {
  const key = flags.string('key');
  if (key === undefined) {
    throw new UsageError(
      'USAGE_BAD_FLAG',
      'an identity signs with a certificate, and --offline asks no authority for one',
      {
        found: '--offline without --key',
        expected: 'a key, which signs by itself',
        fix: 'sealwright generate-key-pair, and add --key cosign.key',
      },
    );
  }
  // --use-signing-config=false comes with --offline; here it has been taken back.
  const taken = flags.boolean('use-signing-config') ? [USE_SIGNING_CONFIG] : [];
  const given = ASKING.filter(([flag]) => (flag === 'issue-certificate' ? flags.boolean(flag) : flags.isGiven(flag)));
  const [asking] = [...taken, ...given];
  if (asking !== undefined) {
    const [flag, what] = asking;
    throw new UsageError('USAGE_BAD_FLAG', `--${flag} asks ${what}, and --offline asks nobody`, {
      expected: 'one of the two',
      fix: `leave out --${flag}, or --offline`,
    });
  }
  if (flags.boolean('tlog-upload')) {
    throw new UsageError(
      'USAGE_BAD_FLAG',
      'a signature is logged unless you say otherwise, and --offline asks no log',
      {
        found: '--offline without --no-log',
        expected: 'word that it need not be logged: verifiers will have to say so too',
        fix: 'add --no-log',
      },
    );
  }
  refuseRemoteKey(key, 'a copy of the key in a file, or --offline left out');
}
