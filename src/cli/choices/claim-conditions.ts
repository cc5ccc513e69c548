import { CLAIM_NAMES, claimCondition, type ClaimCondition } from '../../core/identity/claim-names.ts';
import type { IdentityMatcher, StringMatcher } from '../../core/identity/identity-pattern.ts';
import { UsageError } from '../../errors.ts';
import { closestName } from '../grammar/closest-name.ts';
import type { CommandContext } from '../grammar/command.ts';
import { WORKFLOW_FLAGS } from '../flags/identity-flags.ts';

/**
 * What certificates have to say beside subject and issuer: `--certificate-github-workflow-*` and `--certificate-claim`, all of
 * which must hold.
 *
 * @throws UsageError USAGE_BAD_FLAG for claims that are unknown, or contradict each other
 */
export function claimConditions({ flags }: CommandContext, issuer: StringMatcher): IdentityMatcher['extensions'] {
  const byFlag = WORKFLOW_FLAGS.flatMap(([name, extension]): readonly ClaimCondition[] => {
    const value = flags.string(name);
    return value === undefined ? [] : [{ extension, value }];
  });
  const url = issuer.kind === 'exact' ? issuer.value : undefined;
  const byName = flags.texts('certificate-claim').map((text) => namedCondition(text, url));
  const conditions = new Map<ClaimCondition['extension'], StringMatcher & { kind: 'exact' }>();
  for (const { extension, value } of [...byFlag, ...byName]) {
    const other = conditions.get(extension);
    if (other !== undefined && other.value !== value) {
      throw new UsageError('USAGE_BAD_FLAG', `no certificate has two of ${extension}`, {
        found: `${other.value} and ${value}`,
        expected: 'one value',
      });
    }
    conditions.set(extension, { kind: 'exact', value });
  }
  return Object.fromEntries(conditions);
}

function namedCondition(text: string, issuer: string | undefined): ClaimCondition {
  const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === '' || value === '') {
    throw new UsageError('USAGE_BAD_FLAG', '--certificate-claim needs a name and a value', {
      found: text,
      expected: 'NAME=VALUE, such as source-repository-ref=refs/heads/main',
    });
  }
  const condition = claimCondition(name, value, issuer);
  if (condition !== undefined) return condition;
  const closest = closestName(name.toLowerCase().replaceAll('_', '-'), CLAIM_NAMES);
  throw new UsageError('USAGE_BAD_FLAG', 'there is no claim of this name', {
    found: name,
    expected: CLAIM_NAMES.join(', '),
    ...(closest === undefined ? {} : { closest }),
  });
}
