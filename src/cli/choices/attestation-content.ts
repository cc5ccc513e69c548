import { UsageError } from '../../errors.ts';
import type { AttestationContent } from '../../workflows/sign/attested-statement.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readWholeInput } from '../terminal/input-file.ts';

/**
 * The predicate or the statement that was named. `-` is standard input, for either.
 *
 * @throws UsageError USAGE_BAD_FLAG unless exactly one was named, USAGE_FILE; LimitError LIMIT_SIZE
 */
export async function attestationContent({ flags, compat }: CommandContext): Promise<AttestationContent> {
  // To cosign the predicate stands before a statement.
  if (!compat) flags.exclude('predicate', 'statement');
  // To cosign an empty type is none that it knows.
  const type = flags.string('type') ?? (compat && flags.isGiven('type') ? '' : 'custom');
  const predicate = flags.string('predicate');
  const statement = compat && predicate !== undefined ? undefined : flags.string('statement');
  if (statement !== undefined) {
    return {
      kind: 'statement',
      content: await readWholeInput(statement),
      ...(flags.isGiven('type') && !compat ? { type } : {}),
      allowOtherSubject: compat,
    };
  }
  if (predicate !== undefined) {
    return { kind: 'predicate', type, content: await readWholeInput(predicate), allowIncomplete: compat };
  }
  throw new UsageError('USAGE_BAD_FLAG', 'there is nothing to attest', {
    expected: '--predicate FILE, or --statement FILE with a whole in-toto statement',
  });
}
