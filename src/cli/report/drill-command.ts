import type { DrillRecord } from '../../core/revocation/drill-record.ts';
import { REPEATED_FLAGS, repeated } from '../flags/repeated-flags.ts';
import { shellCommand } from '../terminal/shell-word.ts';

/**
 * The next drill, as the last one was held: its words, its canary where that was named, its namespace. A record that remembers no words
 * still tells canary and namespace. Where nothing was ever held nothing is known, and help is all that can be given.
 *
 * @param last verified: its words are what somebody will paste
 * @param out where the record is to be written, where anybody minds
 */
export function drillCommand(last: DrillRecord | undefined, out?: string): string {
  if (last === undefined) return 'sealwright revoke drill --help';
  const { words = [], canary, namespace } = last;
  const again = repeated(words, REPEATED_FLAGS.drill);
  const has = (flag: string): boolean => again.some((word) => word.startsWith(`--${flag}=`));
  return shellCommand([
    ...['sealwright', 'revoke', 'drill', ...again],
    ...(namespace === undefined || has('namespace') ? [] : [`--namespace=${namespace}`]),
    ...(out === undefined ? [] : [`--out=${out}`]),
    ...(has('push') ? [] : [canary]),
  ]);
}
