/** OpenAPI 3.0's dialect of JSON Schema: judges values, and makes some. A keyword that is not known fails, it is never passed over. */
import assert from 'node:assert/strict';

export type OpenApiSchema = Readonly<Record<string, unknown>>;

const ANNOTATIONS = new Set([
  'nullable',
  'x-github-breaking-changes',
  'properties',
  'required',
  'additionalProperties',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'pattern',
  'readOnly',
]);

/** Every way in which a value does not fit, as `path: problem`. */
export function openApiProblems(schema: OpenApiSchema, value: unknown, path = '$'): readonly string[] {
  if (value === null && schema['nullable'] === true) return [];
  return Object.entries(schema).flatMap(([keyword, operand]): readonly string[] => {
    const options = operand as readonly OpenApiSchema[];
    switch (keyword) {
      case 'type':
        return isOfType(value, String(operand)) ? [] : [`${path}: not of type ${String(operand)}`];
      case 'enum':
        return (operand as unknown[]).includes(value) ? [] : [`${path}: none of ${String(operand)}`];
      case 'format':
        return fitsFormat(value, String(operand)) ? [] : [`${path}: no ${String(operand)}`];
      case 'items':
        return Array.isArray(value)
          ? value.flatMap((item, index) => openApiProblems(operand as OpenApiSchema, item, `${path}[${index}]`))
          : [];
      case 'allOf':
        return openApiProblems(merged(options), value, path);
      case 'oneOf':
      case 'anyOf':
        // Choices of GitHub's overlap (a string or a nullable string), so that one that fits is enough.
        return options.some((option) => openApiProblems(option, value, path).length === 0)
          ? []
          : [`${path}: fits none of the choices`];
      default:
        assert.ok(keyword === 'properties' || ANNOTATIONS.has(keyword), `this validator does not know ${keyword}`);
        return keyword === 'properties' ? objectProblems(schema, value, path) : [];
    }
  });
}

function objectProblems(schema: OpenApiSchema, value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const properties = schema['properties'] as Record<string, OpenApiSchema>;
  const missing = ((schema['required'] ?? []) as string[]).filter((name) => !Object.hasOwn(value, name));
  return [
    ...missing.map((name) => `${path}: no ${name}`),
    ...Object.entries(value).flatMap(([name, member]) => {
      const known = properties[name];
      // The documents forbid nothing: a member that none of them has is a word misspelt.
      return known === undefined ? [`${path}: a stranger ${name}`] : openApiProblems(known, member, `${path}.${name}`);
    }),
  ];
}

/** One schema of several, so that a member which only one of them has is no stranger to the others. */
function merged(schemas: readonly OpenApiSchema[]): OpenApiSchema {
  const members = (name: string): object => Object.assign({}, ...schemas.map((schema) => schema[name] ?? {})) as object;
  const required = schemas.flatMap((schema) => (schema['required'] ?? []) as string[]);
  return { ...(Object.assign({}, ...schemas) as object), properties: members('properties'), required };
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function fitsFormat(value: unknown, format: string): boolean {
  if (typeof value !== 'string') return true;
  if (format === 'date-time') return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value);
  if (format === 'date') return /^\d{4}-\d\d-\d\d$/.test(value);
  if (format === 'uri') return URL.canParse(value);
  return true;
}

/** The least value that fits: what is demanded, and nothing else. */
export function openApiSample(schema: OpenApiSchema): unknown {
  const choices = (schema['oneOf'] ?? schema['anyOf']) as readonly OpenApiSchema[] | undefined;
  if (schema['nullable'] === true) return null;
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  if (choices?.[0] !== undefined) return openApiSample(choices[0]);
  if (Array.isArray(schema['allOf'])) return Object.assign({}, ...schema['allOf'].map(openApiSample)) as unknown;
  switch (schema['type']) {
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'string':
      if (schema['format'] === 'date-time') return '2026-01-01T00:00:00Z';
      return schema['format'] === 'uri' ? 'https://tracker.example/x' : 'x';
    default: {
      const properties = (schema['properties'] ?? {}) as Record<string, OpenApiSchema>;
      const names = (schema['required'] ?? []) as string[];
      return Object.fromEntries(names.map((name) => [name, openApiSample(properties[name] ?? {})]));
    }
  }
}
