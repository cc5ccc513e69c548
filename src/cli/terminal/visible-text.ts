/**
 * Untrusted text on a terminal: control characters, line ends and terminal escapes become visible, so that no certificate
 * can write lines of its own.
 */
export function visibleText(text: string): string {
  // Nearly everything is; and classes of Unicode take half a millisecond to compile, of every command.
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
