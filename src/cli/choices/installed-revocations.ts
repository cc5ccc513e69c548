import type { ChartValues } from '../../core/installation/helm-chart.ts';
import { REVOCATION_AUTHORITY_FILE, TRUST_FOLDER } from '../../core/installation/installation-options.ts';
import { parseRevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';
import { STALENESS_MODES } from '../flags/revocation-flags.ts';
import { readTextFile } from '../terminal/input-file.ts';

const DEFAULT_MAX_AGE = '24h';
type RevocationValues = Pick<
  ChartValues,
  'revocations' | 'revocationAuthority' | 'staleRevocations' | 'revocationsMaxAge'
>;

/**
 * Where the pods hear of revocations. A file is refused: it would be as old as the installation, and a snapshot has to stay new.
 *
 * @param kept text of the authority that an earlier installation believes, where no file is named
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError FORMAT_REVOCATION
 */
export function installedRevocations({ flags }: CommandContext, kept?: string): RevocationValues {
  const source = flags.string('revocations');
  const file = flags.string('revocation-authority');
  const maxAge = flags.string('revocations-max-age') ?? DEFAULT_MAX_AGE;
  const staleRevocations = STALENESS_MODES.find((mode) => mode === flags.string('stale-revocations')) ?? 'last-known';
  parseAge(maxAge, 'revocations-max-age');
  if (source === undefined && file === undefined) {
    for (const name of ['stale-revocations', 'revocations-max-age']) {
      if (!flags.isGiven(name)) continue;
      throw new UsageError('USAGE_BAD_FLAG', `--${name} is about revocations, and none are named`, {
        expected: '--revocations URL and --revocation-authority FILE as well',
      });
    }
    return { revocations: '', revocationAuthority: '', staleRevocations, revocationsMaxAge: maxAge };
  }
  if (source === undefined || (file === undefined && kept === undefined)) {
    throw new UsageError('USAGE_BAD_FLAG', 'a snapshot of revocations is believed by who may revoke', {
      found: `--${source === undefined ? 'revocation-authority' : 'revocations'} alone`,
      expected: '--revocations URL and --revocation-authority FILE',
    });
  }
  if (!/^https?:\/\//.test(source) || !URL.canParse(source)) {
    throw new UsageError('USAGE_BAD_FLAG', '--revocations is where the pods ask for news', {
      found: source.slice(0, 200),
      expected: 'a URL: a file would never be news',
    });
  }
  const { username, password } = new URL(source);
  if (username !== '' || password !== '') {
    throw new UsageError(
      'USAGE_BAD_FLAG',
      '--revocations holds a password, which everybody in the cluster could read',
      {
        expected: 'a URL without one: a snapshot is no secret, and carries its own proof',
      },
    );
  }
  const revocationAuthority = file === undefined ? (kept ?? '') : readTextFile(file);
  parseRevocationAuthority(revocationAuthority);
  return { revocations: source, revocationAuthority, staleRevocations, revocationsMaxAge: maxAge };
}

/** What the pods are told of it. */
export function revocationArguments(values: RevocationValues): readonly string[] {
  if (values.revocations === '') return [];
  return [
    `--revocations=${values.revocations}`,
    `--revocation-authority=${TRUST_FOLDER}/${REVOCATION_AUTHORITY_FILE}`,
    `--stale-revocations=${values.staleRevocations}`,
    `--revocations-max-age=${values.revocationsMaxAge}`,
  ];
}
