import type { JsonFields } from '../../encoding/json-fields.ts';
import type { PolicyCondition, PolicyProgram, ProgramSource } from './cluster-image-policy.ts';
import type { PolicyProblems } from '../document/policy-problems.ts';

const INPUTS = ['fetchConfigFile', 'includeSpec', 'includeObjectMeta', 'includeTypeMeta'] as const;
const SOURCES = ['data', 'configMapRef', 'remote'] as const;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * A `policy` beside a predicate type, which sees the statement and nothing else. Undefined when it has problems.
 *
 * @param path the policy's own
 * @throws FormatError FORMAT_POLICY for members of wrong types and unknown ones
 */
export function parseAttestationProgram(
  fields: JsonFields,
  path: string,
  problems: PolicyProblems,
): PolicyProgram | undefined {
  for (const input of INPUTS) if (fields.has(input)) problems.disallowed(`${path}.${input}`);
  return parseProgram(fields, path, problems);
}

/** `spec.policy`. Its problems are reported as if its members were those of `spec`, which is how the original says it. */
export function parseCondition(fields: JsonFields, problems: PolicyProblems): PolicyCondition | undefined {
  const program = parseProgram(fields, 'spec', problems);
  if (program === undefined) return undefined;
  const asked = (name: (typeof INPUTS)[number]): boolean => fields.optionalBoolean(name) ?? false;
  return {
    program,
    fetchConfigFile: asked('fetchConfigFile'),
    includeSpec: asked('includeSpec'),
    includeObjectMeta: asked('includeObjectMeta'),
    includeTypeMeta: asked('includeTypeMeta'),
  };
}

function parseProgram(fields: JsonFields, path: string, problems: PolicyProblems): PolicyProgram | undefined {
  fields.only('type', ...SOURCES, ...INPUTS);
  const type = fields.optionalString('type') ?? '';
  const language = type === 'cue' || type === 'rego' ? type : undefined;
  if (language === undefined) {
    problems.invalid(type.slice(0, 100), `${path}.type`, 'only [cue,rego] are supported at the moment');
  }
  const source = parseSource(fields, path, problems);
  return language === undefined || source === undefined ? undefined : { language, source };
}

function parseSource(fields: JsonFields, path: string, problems: PolicyProblems): ProgramSource | undefined {
  const data = fields.optionalString('data') ?? '';
  const configMap = fields.optionalObject('configMapRef')?.only('name', 'namespace', 'key');
  const remote = fields.optionalObject('remote')?.only('url', 'sha256sum');
  const paths = SOURCES.map((source) => `${path}.${source}`);
  const given = [data !== '', configMap !== undefined, remote !== undefined].filter(Boolean).length;
  if (given === 0) problems.missing(...paths);
  if (given > 1) problems.exactlyOne('both', paths);
  const references = [
    ...(configMap === undefined ? [] : [configMapSource(configMap, `${path}.configMapRef`, problems)]),
    ...(remote === undefined ? [] : [remoteSource(remote, `${path}.remote`, problems)]),
  ];
  if (given !== 1) return undefined;
  return data === '' ? references[0] : { kind: 'data', text: data };
}

/** `namespace` is the controller's own whatever it says, as in the original. */
function configMapSource(fields: JsonFields, path: string, problems: PolicyProblems): ProgramSource | undefined {
  const name = fields.optionalString('name') ?? '';
  const key = fields.optionalString('key') ?? '';
  fields.optionalString('namespace');
  if (name === '') problems.missing(`${path}.name`);
  if (key === '') problems.missing(`${path}.key`);
  return name === '' || key === '' ? undefined : { kind: 'configMap', name, key };
}

function remoteSource(fields: JsonFields, path: string, problems: PolicyProblems): ProgramSource | undefined {
  const text = fields.optionalString('url') ?? '';
  const sha256 = fields.optionalString('sha256sum') ?? '';
  const url = URL.parse(text);
  const isUsable = url?.protocol === 'https:' && url.host !== '';
  if (!isUsable) {
    const details = 'url valid is invalid. host and https scheme are expected';
    problems.invalid(text.slice(0, 300), `${path}.url`, details);
  }
  if (sha256 === '') problems.missing(`${path}.sha256sum`);
  else if (!SHA256.test(sha256)) {
    // The original stores it, and then never finds a body that fits.
    problems.invalid(sha256.slice(0, 100), `${path}.sha256sum`, 'a SHA-256 has 64 lower-case hexadecimal digits');
  }
  return isUsable && SHA256.test(sha256) ? { kind: 'remote', url: text, sha256 } : undefined;
}
