/**
 * Untrusted text on a terminal: control characters, line ends and terminal escapes become visible, so that no certificate
 * can write lines of its own.
 */
export function visibleText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
