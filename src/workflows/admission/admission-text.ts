import type { ImageDecision } from '../../core/policy/judgement/image-decision.ts';
import { renderError, type SealwrightError } from '../../errors.ts';

/** An error together with where in the object it arose. */
export interface Finding {
  readonly error: SealwrightError;
  /** `spec.containers[0].image` and so on. */
  readonly paths: readonly string[];
}

const MAX_BLOCKS = 10;
const MAX_PATHS = 5;
/** The API server may cut a warning beyond 256 characters, and drops the rest beyond 4096 in total. */
const MAX_WARNING_LENGTH = 250;
const MAX_WARNINGS_LENGTH = 4000;

/** One finding for each image and error, with every place that names the image. */
export function findingsOf(
  images: readonly { readonly decision: ImageDecision; readonly paths: readonly string[] }[],
  kind: 'denials' | 'warnings',
): readonly Finding[] {
  return images.flatMap(({ decision, paths }) => decision[kind].map((error) => ({ error, paths })));
}

/** The refusal as its reader sees it: the error contract, one block for each finding, with the places in its first line. */
export function denialText(findings: readonly Finding[]): string {
  const blocks = findings.slice(0, MAX_BLOCKS).map(block);
  const rest = findings.length - blocks.length;
  if (rest > 0) blocks.push(`… and ${rest} more of this object's images`);
  return blocks.join('\n');
}

function block({ error, paths }: Finding): string {
  const [first = '', ...facts] = renderError(error).split('\n');
  return [paths.length === 0 ? first : `${first} (${placesText(paths)})`, ...facts].join('\n');
}

function placesText(paths: readonly string[]): string {
  const rest = paths.length - MAX_PATHS;
  return `${paths.slice(0, MAX_PATHS).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** The same as warnings, which are lines: each line becomes one. */
export function warningLines(findings: readonly Finding[]): readonly string[] {
  return fittingWarnings(findings.flatMap((finding) => block(finding).split('\n')));
}

/** As many of the lines, and as much of each, as the API server passes on. */
export function fittingWarnings(all: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let length = 0;
  for (const line of all) {
    const text = line.trim().slice(0, MAX_WARNING_LENGTH);
    length += text.length;
    if (length > MAX_WARNINGS_LENGTH) break;
    lines.push(text);
  }
  return lines;
}
