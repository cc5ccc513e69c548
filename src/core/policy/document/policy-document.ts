import { LineCounter, parseAllDocuments } from 'yaml';
import { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import { FormatError, LimitError } from '../../../errors.ts';

/** An object stored in a cluster has at most about 1.5 MiB; a file may hold several. */
const MAX_BYTES = 4 << 20;
const MAX_DOCUMENTS = 10_000;
const MAX_DEPTH = 64;
/** Anchors are useful; a document that multiplies itself with them is not. */
const MAX_ALIASES = 100;

/**
 * The objects in a YAML text (JSON is YAML): one per document, those of a `List` one by one; empty documents are none.
 * Strict: no duplicate keys, no unknown tags, no merge keys, bounded size and depth.
 *
 * @param source where the text is from, for messages
 * @throws FormatError FORMAT_POLICY; LimitError
 */
export function parsePolicyDocuments(text: string, source: string): readonly JsonFields[] {
  if (text.length > MAX_BYTES) {
    throw new LimitError('LIMIT_SIZE', `${source} is too large`, {
      found: `${text.length} characters`,
      expected: `at most ${MAX_BYTES}`,
    });
  }
  const objects = parseYaml(text, source).flatMap((value, index) => {
    if (value === null) return [];
    checkDepth(value, source);
    return listed(new JsonFields(value, `${source}, document ${index + 1}`, 'FORMAT_POLICY'));
  });
  if (objects.length > MAX_DOCUMENTS) {
    throw new LimitError('LIMIT_COUNT', `${source} has too many documents`, {
      found: String(objects.length),
      expected: `at most ${MAX_DOCUMENTS}`,
    });
  }
  return objects;
}

function parseYaml(text: string, source: string): readonly JsonValue[] {
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      schema: 'core',
      merge: false,
      uniqueKeys: true,
      lineCounter: lines,
      // A key that is no text becomes one nobody knows, and is refused as such; the process need not be warned.
      logLevel: 'error',
    });
    return [...documents].map((document) => {
      const [problem] = [...document.errors, ...document.warnings];
      if (problem !== undefined) {
        const { line } = lines.linePos(problem.pos[0]);
        throw malformed(source, `line ${line}: ${problem.message.split('\n')[0] ?? ''}`, problem);
      }
      return document.toJS({ maxAliasCount: MAX_ALIASES }) as JsonValue;
    });
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    // The library recurses: what is nested without end ends in a RangeError, and so do aliases that multiply.
    throw malformed(source, cause instanceof RangeError ? 'nesting without end' : 'a syntax error', cause);
  }
}

function malformed(source: string, found: string, cause: unknown): FormatError {
  return new FormatError('FORMAT_POLICY', `${source} is not YAML that can be read`, {
    found,
    expected: 'YAML 1.2 without duplicate keys, tags or merge keys',
    cause,
  });
}

function checkDepth(value: JsonValue, source: string, depth = 0): void {
  if (value === null || typeof value !== 'object') return;
  if (depth === MAX_DEPTH) {
    throw new LimitError('LIMIT_DEPTH', `${source} is nested too deeply`, { expected: `at most ${MAX_DEPTH} levels` });
  }
  for (const member of Object.values(value)) checkDepth(member, source, depth + 1);
}

/** `kubectl get … -o yaml` and the API answer with lists; the items of the API's own lists do not repeat their kind. */
function listed(fields: JsonFields): readonly JsonFields[] {
  const kind = fields.optionalString('kind');
  if (kind === undefined || !kind.endsWith('List') || !fields.has('items')) return [fields];
  const apiVersion = fields.optionalString('apiVersion') ?? '';
  return fields.array('items', MAX_DOCUMENTS).map((item, index) => {
    const path = `${fields.path}.items[${index}]`;
    const own = new JsonFields(item, path, 'FORMAT_POLICY');
    if (kind === 'List' || own.has('kind')) return own;
    return new JsonFields({ ...(item as JsonObject), apiVersion, kind: kind.slice(0, -4) }, path, 'FORMAT_POLICY');
  });
}
