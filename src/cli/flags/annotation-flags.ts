import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';

export function annotationFlag(help: string): Flag {
  return { name: 'annotations', short: 'a', kind: 'list', value: 'KEY=VALUE', help, isCommon: true };
}

/** Split at the first `=`; values are texts. @throws UsageError USAGE_BAD_FLAG */
export function annotations({ flags }: CommandContext, name = 'annotations'): Readonly<Record<string, string>> {
  return Object.fromEntries(
    flags.list(name).map((text) => {
      const split = text.indexOf('=');
      if (split > 0) return [text.slice(0, split), text.slice(split + 1)];
      throw new UsageError('USAGE_BAD_FLAG', 'an annotation has a key and a value', {
        found: text,
        expected: '-a KEY=VALUE',
      });
    }),
  );
}
