/** A validator for the keywords that our schemas use, and no others: a keyword that is not known fails, it is never passed over. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export type Schema = Readonly<Record<string, unknown>>;

export const PUBLISHED = resolve(import.meta.dirname, '../../docs/schemas');
const URN = /^urn:sealwright:([a-z-]+):(v\d+)$/;

const ANNOTATIONS = new Set(['$schema', '$id', '$defs', 'title', 'description']);

/** Every way in which a value does not fit, as `path: problem`. */
export function schemaProblems(root: Schema, value: unknown): readonly string[] {
  return problems(root, root, value, '$');
}

/** What a command printed, as one document or one a line, fits the published schemas that it names; anything else is let be. */
export function assertPublished(printed: string): void {
  if (!/"schema": ?"urn:sealwright:/.test(printed)) return;
  const documents = parsed(printed) ?? printed.split('\n').map(parsed);
  for (const document of [documents].flat()) {
    const [, name = '', version = ''] = URN.exec(String((document as Schema | undefined)?.['schema'])) ?? [];
    if (name !== '') assert.deepEqual(schemaProblems(publishedSchema(`${name}.${version}`), document), []);
  }
}

/** @param name as in `verify-report.v1` */
export function publishedSchema(name: string): Schema {
  return JSON.parse(readFileSync(resolve(PUBLISHED, `${name}.schema.json`), 'utf8')) as Schema;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problems(root: Schema, schema: Schema, value: unknown, path: string): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, operand]): readonly string[] => {
    switch (keyword) {
      case '$ref':
        return problems(root, definition(root, String(operand)), value, path);
      case 'const':
        return value === operand ? [] : [`${path}: not ${String(operand)}`];
      case 'enum':
        return (operand as unknown[]).includes(value) ? [] : [`${path}: none of ${String(operand)}`];
      case 'type':
        return typeName(value) === operand || (operand === 'integer' && Number.isInteger(value))
          ? []
          : [`${path}: not of type ${String(operand)}`];
      case 'pattern':
        return typeof value === 'string' && !new RegExp(String(operand), 'u').test(value) ? [`${path}: ${value}`] : [];
      case 'format':
        assert.equal(operand, 'date-time');
        return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(String(value)) ? [] : [`${path}: no time`];
      case 'required':
        return (operand as string[]).flatMap((name) => (hasMember(value, name) ? [] : [`${path}: no ${name}`]));
      case 'items':
        return Array.isArray(value)
          ? value.flatMap((item, index) => problems(root, operand as Schema, item, `${path}[${index}]`))
          : [];
      case 'oneOf': {
        const fitting = (operand as Schema[]).filter((option) => problems(root, option, value, path).length === 0);
        return fitting.length === 1 ? [] : [`${path}: fits ${fitting.length} of the choices`];
      }
      case 'properties':
      case 'additionalProperties':
        return keyword === 'properties' ? members(root, schema, value, path) : strangers(root, schema, value, path);
      default:
        assert.ok(ANNOTATIONS.has(keyword), `the schema uses ${keyword}, which this validator does not know`);
        return [];
    }
  });
}

function members(root: Schema, { properties }: Schema, value: unknown, path: string): readonly string[] {
  return Object.entries(properties as Record<string, Schema>).flatMap(([name, schema]) =>
    hasMember(value, name) ? problems(root, schema, (value as Record<string, unknown>)[name], `${path}.${name}`) : [],
  );
}

function strangers(root: Schema, schema: Schema, value: unknown, path: string): readonly string[] {
  const { additionalProperties, properties = {} } = schema;
  const names = membersOf(value).filter((name) => !Object.hasOwn(properties as object, name));
  if (additionalProperties === false) return names.map((name) => `${path}: unknown member ${name}`);
  return names.flatMap((name) =>
    problems(root, additionalProperties as Schema, (value as Record<string, unknown>)[name], `${path}.${name}`),
  );
}

function definition(root: Schema, reference: string): Schema {
  const [, name = ''] = /^#\/\$defs\/(\w+)$/.exec(reference) ?? [];
  const found = (root['$defs'] as Record<string, Schema | undefined>)[name];
  assert.ok(found, `the schema refers to ${reference}`);
  return found;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function membersOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

function hasMember(value: unknown, name: string): boolean {
  return membersOf(value).includes(name);
}
