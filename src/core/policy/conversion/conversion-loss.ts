import { stringify } from 'yaml';
import type { JsonObject } from '../../encoding/json.ts';

/** Something that the other form cannot say. */
export interface Loss {
  /** Where it stands in the policy that was converted. */
  readonly path: string;
  readonly text: string;
  /**
   * `looser`: without it more is let in. `tighter`: without it more is refused. `told`: the same is admitted, and people are told
   * otherwise.
   */
  readonly effect: 'looser' | 'tighter' | 'told';
  /** What to write in the other form, where something comes close. */
  readonly instead?: string;
}

export interface Converted {
  /** None where nothing is left that would demand a signature. */
  readonly documents: readonly JsonObject[];
  readonly losses: readonly Loss[];
}

export type Lose = (path: string, text: string, effect: Loss['effect'], instead?: string) => void;

/** Collects losses, each of them once. */
export function lossList(): { readonly losses: readonly Loss[]; readonly lose: Lose } {
  const losses: Loss[] = [];
  const lose: Lose = (path, text, effect, instead) => {
    if (losses.some((known) => known.path === path && known.text === text)) return;
    losses.push({ path, text, effect, ...(instead === undefined ? {} : { instead }) });
  };
  return { losses, lose };
}

/** The documents as text, behind comments with what they lost; undefined where there are none. */
export function renderConverted({ documents, losses }: Converted): string | undefined {
  if (documents.length === 0) return undefined;
  const written = documents.map((document) => stringify(document, { lineWidth: 0 }).trimEnd());
  return [...losses.map((loss) => `# lost, ${lossText(loss)}`), written.join('\n---\n')].join('\n');
}

/** One line, whatever a policy has for names. */
export function lossText({ effect, text, path, instead }: Loss): string {
  const more = instead === undefined ? '' : `; instead: ${instead}`;
  return `${effect}: ${text} (${path})${more}`.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
