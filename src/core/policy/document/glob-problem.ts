/**
 * What policy-controller says of a glob that it refuses: it first asks Go's path matcher whether the glob is one of its patterns,
 * and then for characters that image names have.
 */
export function globProblem(glob: string): string {
  return isPathPattern(glob) ? `invalid glob ${JSON.stringify(glob)}` : 'syntax error in pattern';
}

/** Whether path.Match of Go knows the pattern (its `scanChunk`, `matchChunk` and `getEsc`). */
function isPathPattern(pattern: string): boolean {
  let rest = pattern;
  while (rest !== '') {
    if (rest.startsWith('\\')) {
      if (rest.length === 1) return false;
      rest = rest.slice(2);
    } else if (rest.startsWith('[')) {
      const after = behindClass(rest.slice(1));
      if (after === undefined) return false;
      rest = after;
    } else {
      rest = rest.slice(1);
    }
  }
  return true;
}

/** What follows `a-z]`; undefined when that is no character class. */
function behindClass(text: string): string | undefined {
  let rest: string | undefined = text.startsWith('^') ? text.slice(1) : text;
  for (let ranges = 0; ; ranges++) {
    if (rest.startsWith(']') && ranges > 0) return rest.slice(1);
    rest = behindCharacter(rest);
    if (rest?.startsWith('-') === true) rest = behindCharacter(rest.slice(1));
    if (rest === undefined) return undefined;
  }
}

/** A class has to go on behind each of its characters. */
function behindCharacter(text: string): string | undefined {
  if (text === '' || text.startsWith('-') || text.startsWith(']')) return undefined;
  const rest = text.slice(text.startsWith('\\') ? 2 : 1);
  return rest === '' || text === '\\' ? undefined : rest;
}
