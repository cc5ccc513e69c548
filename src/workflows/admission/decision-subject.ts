import { parseReference, type ImageReference } from '../../core/image/reference.ts';
import { FormatError } from '../../errors.ts';
import type { DecisionRecord } from './decision-record.ts';

/**
 * What somebody asks about, as they write it: a digest (`sha256:…`), an image, or an object as `NAME`, `NAMESPACE/NAME` or
 * `KIND/NAME`. A text can be an image and an object at once, and then means both.
 */
export interface DecisionSubject {
  readonly text: string;
  /** Only decisions about objects of this namespace. */
  readonly namespace?: string;
}

/** Whether a decision is about it. */
export function isAbout(record: DecisionRecord, { text, namespace }: DecisionSubject): boolean {
  if (namespace !== undefined && record.namespace !== namespace) return false;
  return isAboutObject(record, text) || isAboutImage(record, text);
}

function isAboutObject(record: DecisionRecord, text: string): boolean {
  const [first, second, ...rest] = text.split('/');
  if (rest.length > 0 || first === undefined) return false;
  const name = second ?? first;
  const isNamed =
    record.name === ''
      ? record.generateName !== undefined && name.startsWith(record.generateName)
      : record.name === name;
  const isOwner = second !== undefined && record.owner?.toLowerCase() === text.toLowerCase();
  if (isOwner || !isNamed) return isOwner;
  return second === undefined || record.namespace === first || record.kind.toLowerCase() === first.toLowerCase();
}

function isAboutImage({ images }: DecisionRecord, text: string): boolean {
  if (/^sha(256|512):[0-9a-f]+$/.test(text)) return images.some((one) => digestIn(one.resolved ?? one.image) === text);
  const wanted = parsed(text);
  return images.some(({ image, resolved }) => {
    if (image === text || resolved === text) return true;
    const named = parsed(image);
    if (wanted === undefined || named?.context !== wanted.context) return false;
    if (wanted.digest !== undefined) return digestIn(resolved ?? image) === wanted.digest.toString();
    return !/[:@]/.test(text.slice(text.lastIndexOf('/') + 1)) || (named.tag ?? 'latest') === wanted.tag;
  });
}

function digestIn(name: string): string | undefined {
  return /@(sha(?:256|512):[0-9a-f]+)$/.exec(name)?.[1];
}

function parsed(text: string): ImageReference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
