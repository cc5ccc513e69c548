import { visibleText } from '../terminal/visible-text.ts';

/** GitHub shows ten annotations a step and drops the rest without a word. */
const MAX_ANNOTATIONS = 10;

export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly text: string;
  /** A file of the repository, and the line in it. */
  readonly file?: string;
  readonly line?: number;
}

const SEVERITY = ['error', 'warning', 'notice'] as const;

/** Workflow commands for the log: the gravest ten as annotations, everything else as lines in a group. */
export function githubCommands(annotations: readonly Annotation[]): readonly string[] {
  const all = [...annotations].sort((a, b) => SEVERITY.indexOf(a.level) - SEVERITY.indexOf(b.level));
  const shown = all.slice(0, MAX_ANNOTATIONS);
  const rest = all.slice(MAX_ANNOTATIONS);
  const lines = shown.map(({ level, title, text, file, line }) => {
    const place = [
      ...(file === undefined ? [] : [`file=${property(file)}`]),
      ...(line === undefined ? [] : [`line=${line}`]),
      `title=${property(title)}`,
    ];
    return `::${level} ${place.join(',')}::${data(text)}`;
  });
  if (rest.length === 0) return lines;
  return [
    ...lines,
    `::group::${rest.length} more, which GitHub would not show as annotations`,
    // A line that began with two colons would be a command again.
    ...rest.map(({ level, title, text }) => `${level}: ${data(title)}: ${data(text)}`),
    '::endgroup::',
  ];
}

/** The runner unescapes these, and only these (`actions/toolkit: packages/core/src/command.ts`). */
function data(text: string): string {
  return text
    .split('\n')
    .map(visibleText)
    .join('\n')
    .replaceAll('%', '%25')
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
