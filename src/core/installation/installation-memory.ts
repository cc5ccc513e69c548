import { FormatError, UsageError } from '../../errors.ts';
import { utf8 } from '../encoding/bytes.ts';
import { parseJson } from '../encoding/json.ts';
import { INSTALLATION_NAME } from './installation-options.ts';

/**
 * Annotation of the ClusterRole by which an installation says which flags it was made with. Whoever may change that object may give the
 * webhook any right anyway; a Deployment or ConfigMap is changed by whoever works in its namespace, who would then decide what the
 * next administrator applies to the whole cluster (decision record 0095).
 */
export const INSTALLED_WITH = 'sealwright.dev/installed-with';

const MAX_BYTES = 64 << 10;
const MAX_WORDS = 500;
const MAX_WORD = 2048;
/** One flag with its value; no control, format or unassigned character, which a terminal would not show. */
const WORD = /^--[a-z][a-z0-9-]*=[^\p{C}\p{Zl}\p{Zp}]+$/u;

/**
 * @param words one flag each, `--name=value`; nothing that is secret
 * @throws UsageError USAGE_BAD_FLAG for what could not be read again
 */
export function encodeInstalledWith(words: readonly string[]): string {
  const bad = words.find((word) => word.length > MAX_WORD || !WORD.test(word));
  const text = JSON.stringify(words);
  if (bad === undefined && words.length <= MAX_WORDS && utf8(text).length <= MAX_BYTES) return text;
  throw new UsageError('USAGE_BAD_FLAG', 'the installation could not remember its flags', {
    found: bad === undefined ? `${words.length} flags, ${text.length} characters` : JSON.stringify(bad.slice(0, 200)),
    expected: `at most ${MAX_WORDS} flags of at most ${MAX_WORD} characters that can be seen, ${MAX_BYTES} bytes in all`,
  });
}

/**
 * The words of an annotation, of which only the form is known: whether they are flags of the installation is for who reads them to see.
 *
 * @returns `--name=value`, at most 500 of at most 2048 characters
 * @throws FormatError FORMAT_INSTALLATION
 */
export function parseInstalledWith(text: string): readonly string[] {
  let value: unknown;
  try {
    value = parseJson(utf8(text), INSTALLED_WITH, 'FORMAT_JSON', { maxBytes: MAX_BYTES, maxDepth: 2 });
  } catch (cause) {
    throw unreadableMemory('no JSON, or too much of it', cause);
  }
  if (!Array.isArray(value)) throw unreadableMemory('no list');
  if (value.length > MAX_WORDS) throw unreadableMemory(`${value.length} flags`);
  return value.map((word: unknown) => {
    if (typeof word !== 'string') throw unreadableMemory(`${typeof word} in the place of a flag`);
    if (word.length > MAX_WORD) throw unreadableMemory(`a flag of ${word.length} characters`);
    if (!WORD.test(word)) throw unreadableMemory(JSON.stringify(word.slice(0, 200)));
    return word;
  });
}

/** Nothing is made up in the place of what cannot be read: a default may be laxer than what was chosen. */
export function unreadableMemory(found: string, cause?: unknown): FormatError {
  return new FormatError('FORMAT_INSTALLATION', 'the installation does not say readably which flags it was made with', {
    found: `annotation ${INSTALLED_WITH} of the ClusterRole ${INSTALLATION_NAME}: ${found}`,
    expected: 'flags of webhook install; or --reset with all flags that are to hold',
    fix: `kubectl get clusterrole ${INSTALLATION_NAME} -o yaml`,
    ...(cause === undefined ? {} : { cause }),
  });
}
