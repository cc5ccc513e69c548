/** Both on the same invocations, side by side, and in what they differ. */
import { isDeepStrictEqual } from 'node:util';
import type { Invocation } from './invocations.ts';
import type { Effects, Stand } from './stand.ts';

/** What a script could notice. */
export const ASPECTS = ['exitCode', 'stdout', 'files', 'registry'] as const;
export type Aspect = (typeof ASPECTS)[number];

/** What was done, and what the repositories that either of the two wrote to hold afterwards. */
type Noticed = Effects & { readonly registry: readonly string[] };

export interface Compared {
  readonly invocation: Invocation;
  readonly cosign: Noticed;
  readonly called: Noticed;
  readonly aspects: readonly Aspect[];
}

export async function sweep(cosign: Stand, called: Stand, list: readonly Invocation[]): Promise<readonly Compared[]> {
  const found: Compared[] = [];
  for (const invocation of list) {
    const effects = await Promise.all([cosign.play(invocation), called.play(invocation)]);
    const written = [...new Set(effects.flatMap((one) => one.written))];
    const [theirs, ours] = [
      { ...effects[0], registry: await cosign.holds(written) },
      { ...effects[1], registry: await called.holds(written) },
    ];
    const aspects = ASPECTS.filter((aspect) => !isDeepStrictEqual(theirs[aspect], ours[aspect]));
    found.push({ invocation, cosign: theirs, called: ours, aspects });
  }
  return found;
}
