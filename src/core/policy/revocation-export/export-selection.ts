import { selectorText } from '../../revocation/revocation-selector.ts';
import type { Revocation } from '../../revocation/revocation-statement.ts';
import { timeText } from '../../revocation/revocation-time.ts';

/** What is exported: everything in force, as a verified snapshot has it. */
export interface ExportedSnapshot {
  readonly version: number;
  readonly issuedAt: Date;
  readonly expires: Date;
  readonly inForce: readonly Revocation[];
}

/** Where an export says something else than the revocation: nothing of that goes unsaid. */
export interface ExportNote {
  /** Of the statement; absent where it is about all of them. */
  readonly id?: string;
  readonly effect: 'left out' | 'wider' | 'narrower';
  readonly reason: string;
}

/** What a form that only knows images can say of one revocation. */
export interface ExportedImages {
  readonly revocation: Revocation;
  /** `sha256:…` */
  readonly digests: readonly string[];
  /** Globs of `registry/repository`, in which `*` is any text: every image there. */
  readonly repositories: readonly string[];
}

export interface ImageSelection {
  readonly images: readonly ExportedImages[];
  readonly notes: readonly ExportNote[];
}

/**
 * For forms that admit or deny images by their names: they know nothing of who signed, and when.
 *
 * @param widen says that a form may deny more than was revoked, where it cannot deny exactly that
 */
export function selectImages(inForce: readonly Revocation[], widen: boolean): ImageSelection {
  const images: ExportedImages[] = [];
  const notes: ExportNote[] = [];
  for (const revocation of inForce) {
    const { id, selector } = revocation;
    if (selector.kind === 'digest') {
      images.push({ revocation, digests: selector.digests, repositories: [] });
    } else if (selector.kind === 'repository' && widen) {
      images.push({ revocation, digests: [], repositories: [selector.repository.source] });
      notes.push({
        id,
        effect: 'wider',
        reason: `${selectorText(selector)}: every image of it is denied, good ones too, not only what was fetched before`,
      });
    } else {
      const more = selector.kind === 'repository' ? '; --widen denies every image of it' : '';
      notes.push({
        id,
        effect: 'left out',
        reason: `${selectorText(selector)}${windowText(revocation)}: ${LACKS[selector.kind]}${more}`,
      });
    }
  }
  return { images, notes };
}

const LACKS = {
  identity: 'it knows nothing of signatures by an identity, nor of the times that witnesses stand for',
  key: 'it knows nothing of signatures by a key',
  builder: 'it knows nothing of provenance',
  ca: 'it knows nothing of certificate authorities',
  log: 'it knows nothing of logs',
  tsa: 'it knows nothing of timestamp authorities',
  repository: 'it cannot tell when something was fetched',
} as const;

/** In words, with a space before it; nothing for what was never good. */
export function windowText({ effectiveFrom, effectiveTo }: Revocation): string {
  const from = effectiveFrom === undefined ? '' : ` from ${timeText(effectiveFrom)}`;
  const to = effectiveTo === undefined ? '' : ` until ${timeText(effectiveTo)}`;
  return `${from}${to}`;
}

/** What whoever is refused is told, in one line: forms refuse more. */
export function exportedMessage({ id, reason, replacement, isDrill }: Revocation): string {
  const instead = replacement === undefined ? '' : `; run ${replacement} instead`;
  const text = `revoked${isDrill ? ' (a drill)' : ''}: ${reason} (statement ${id})${instead}`;
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
