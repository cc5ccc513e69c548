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
  flags.exclude('predicate', 'statement');
  const type = flags.string('type') ?? 'custom';
  const statement = flags.string('statement');
  const predicate = flags.string('predicate');
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
