import { JsonFields } from '../../encoding/json-fields.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';
import { KyvernoProblems } from './kyverno-problems.ts';
import type {
  ExpectedResult,
  KyvernoTest,
  ResourceName,
  RuleResult,
  TestOperation,
  TestUser,
  TestValues,
} from './test-file.ts';

const API_VERSION = 'cli.kyverno.io/v1alpha1';
const RESULTS: readonly RuleResult[] = ['pass', 'fail', 'skip', 'warn', 'error'];
const MAX_ENTRIES = 1000;
/** What a test of other policies brings along: nothing here would read it. */
const OTHER_INPUT = {
  jsonPayload: 'only objects of Kubernetes are decided about',
  jsonPayloads: 'only objects of Kubernetes are decided about',
  httpPayloads: 'only objects of Kubernetes are decided about',
  envoyPayloads: 'only objects of Kubernetes are decided about',
  targetResources: 'only verifyImages rules and ImageValidatingPolicy are decided here',
  paramResources: 'only verifyImages rules and ImageValidatingPolicy are decided here',
  context: 'images are asked for in their registry',
  clusterResources: 'nothing is looked up for a policy',
  apiCallResponses: 'nothing is looked up for a policy',
  globalContextEntries: 'nothing is looked up for a policy',
} as const;
const OTHER_POLICIES = [
  'isValidatingAdmissionPolicy',
  'isMutatingAdmissionPolicy',
  'isValidatingPolicy',
  'isDeletingPolicy',
  'isGeneratingPolicy',
  'isMutatingPolicy',
] as const;
const OTHER_OUTPUT = {
  patchedResources: 'the digests that are written into objects are not compared',
  patchedResource: 'the digests that are written into objects are not compared',
  generatedResource: 'only verifyImages rules and ImageValidatingPolicy are decided here',
  generatedResources: 'only verifyImages rules and ImageValidatingPolicy are decided here',
  cloneSourceResource: 'only verifyImages rules and ImageValidatingPolicy are decided here',
} as const;

/**
 * A `kyverno-test.yaml`.
 *
 * @param source where the text is from, for messages
 * @throws FormatError FORMAT_POLICY, naming all that is wrong and all that is asked for and not done here; LimitError
 */
export function parseKyvernoTest(text: string, source: string): KyvernoTest {
  const fields = only(text, source, 'Test');
  const problems = new KyvernoProblems();
  const known = ['apiVersion', 'kind', 'metadata', 'name', 'policies', 'resources', 'exceptions', 'variables'];
  fields.only(...known, 'userinfo', 'values', 'results', ...Object.keys(OTHER_INPUT));
  problems.unsupportedMembers(fields, source, OTHER_INPUT);
  const metadata = fields.optionalObject('metadata');
  const results = fields
    .objects('results', MAX_ENTRIES)
    .map((entry, index) => parseResult(entry, `results[${index}]`, problems));
  const test: KyvernoTest = {
    name: metadata?.optionalString('name') ?? fields.optionalString('name') ?? '',
    policies: fields.strings('policies', MAX_ENTRIES),
    resources: fields.strings('resources', MAX_ENTRIES),
    exceptions: fields.strings('exceptions', MAX_ENTRIES),
    variables: textOf(fields, 'variables'),
    userInfo: textOf(fields, 'userinfo'),
    values: parseValues(fields.optionalObject('values'), 'values', problems),
    results,
  };
  if (test.policies.length === 0) problems.invalid('policies', 'at least one file with policies is needed');
  if (test.resources.length === 0) problems.invalid('resources', 'at least one file with objects is needed');
  problems.refuse(source);
  return test;
}

/** The file that `variables` names. @throws as {@link parseKyvernoTest} */
export function parseKyvernoTestValues(text: string, source: string): TestValues {
  const problems = new KyvernoProblems();
  const values = parseValues(only(text, source, 'Values', 'Value'), source, problems);
  problems.refuse(source);
  return values;
}

/** The file that `userinfo` names. @throws as {@link parseKyvernoTest} */
export function parseKyvernoTestUser(text: string, source: string): TestUser {
  const problems = new KyvernoProblems();
  const fields = only(text, source, 'UserInfo').only(
    'apiVersion',
    'kind',
    'metadata',
    'roles',
    'clusterRoles',
    'userInfo',
  );
  for (const name of ['roles', 'clusterRoles']) {
    if (fields.array(name, MAX_ENTRIES).length > 0) problems.unsupported(name, 'roles are not looked up for a request');
  }
  const info = fields.optionalObject('userInfo')?.only('username', 'uid', 'groups', 'extra');
  problems.refuse(source);
  return { name: info?.optionalString('username') ?? '', groups: info?.strings('groups', MAX_ENTRIES) ?? [] };
}

/** The one document of a file. */
function only(text: string, source: string, ...kinds: readonly string[]): JsonFields {
  const [fields, another] = parsePolicyDocuments(text, source);
  const problems = new KyvernoProblems();
  if (fields === undefined || another !== undefined) problems.invalid(source, 'exactly one document is expected');
  const document = fields ?? new JsonFields({}, source, 'FORMAT_POLICY');
  const apiVersion = document.optionalString('apiVersion');
  if (apiVersion !== API_VERSION) problems.invalid('apiVersion', `${API_VERSION} is expected`);
  if (!kinds.includes(document.optionalString('kind') ?? '')) problems.invalid('kind', `${kinds[0] ?? ''} is expected`);
  problems.refuse(source);
  return document;
}

function textOf(fields: JsonFields, name: string): string | undefined {
  const text = fields.optionalString(name) ?? '';
  return text === '' ? undefined : text;
}

function parseResult(fields: JsonFields, path: string, problems: KyvernoProblems): ExpectedResult {
  const known = [
    'policy',
    'rule',
    'result',
    'kind',
    'operation',
    'resources',
    'resourceSpecs',
    'resource',
    'namespace',
  ];
  fields.only(
    ...known,
    'isImageValidatingPolicy',
    'failOnMissingResources',
    ...OTHER_POLICIES,
    ...Object.keys(OTHER_OUTPUT),
  );
  problems.unsupportedMembers(fields, path, OTHER_OUTPUT);
  for (const name of OTHER_POLICIES) {
    if (fields.optionalBoolean(name) === true) {
      problems.unsupported(`${path}.${name}`, 'only verifyImages rules and ImageValidatingPolicy are decided here');
    }
  }
  fields.optionalString('kind');
  const text = fields.optionalString('result') ?? '';
  const result = RESULTS.find((one) => one === text);
  if (result === undefined) problems.invalid(`${path}.result`, `none of ${RESULTS.join(', ')} (${text.slice(0, 50)})`);
  // Of older versions of the file, where a result was about one object.
  const single = textOf(fields, 'resource');
  const namespace = textOf(fields, 'namespace');
  const names = [...fields.strings('resources', MAX_ENTRIES), ...(single === undefined ? [] : [single])];
  return {
    policy: fields.string('policy'),
    rule: textOf(fields, 'rule'),
    result: result ?? 'pass',
    operation: parseOperation(textOf(fields, 'operation'), `${path}.operation`, problems),
    resources: [
      ...names.map((name) => resourceName(name, namespace)),
      ...fields
        .objects('resourceSpecs', MAX_ENTRIES)
        .map((entry) => parseSpec(entry, `${path}.resourceSpecs`, problems)),
    ],
  };
}

function resourceName(text: string, namespace: string | undefined): ResourceName {
  const [first = '', second, ...rest] = text.split('/');
  if (second === undefined || rest.length > 0)
    return { text, name: text, ...(namespace === undefined ? {} : { namespace }) };
  return { text, name: second, namespace: first };
}

function parseSpec(fields: JsonFields, path: string, problems: KyvernoProblems): ResourceName {
  fields.only('group', 'version', 'kind', 'namespace', 'subresource', 'name');
  if (fields.has('subresource')) problems.unsupported(`${path}.subresource`, 'whole objects are decided about');
  const [group, version, kind] = ['group', 'version', 'kind'].map((name) => textOf(fields, name));
  const name = fields.string('name');
  const namespace = textOf(fields, 'namespace');
  return {
    text: name,
    name,
    ...(version === undefined ? {} : { apiVersion: group === undefined ? version : `${group}/${version}` }),
    ...(kind === undefined ? {} : { kind }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

function parseOperation(text: string | undefined, path: string, problems: KyvernoProblems): TestOperation | undefined {
  if (text === undefined || text === 'CREATE' || text === 'UPDATE') return text;
  if (text === 'DELETE') problems.unsupported(path, 'what is deleted is let go, whatever its images');
  else problems.invalid(path, 'CREATE or UPDATE is expected');
  return undefined;
}

function parseValues(fields: JsonFields | undefined, path: string, problems: KyvernoProblems): TestValues {
  const known = ['apiVersion', 'kind', 'metadata', 'globalValues', 'policies', 'namespaceSelector', 'namespaces'];
  fields?.only(...known, 'subresources');
  const given = fields?.optionalObject('globalValues');
  for (const name of given?.names() ?? []) {
    if (name !== 'request.operation') {
      problems.unsupported(`${path}.globalValues.${name}`, 'variables are those of the object and of the request');
    }
  }
  for (const [index, policy] of (fields?.objects('policies', MAX_ENTRIES) ?? []).entries()) {
    if (policy.array('resources', MAX_ENTRIES).length + policy.array('rules', MAX_ENTRIES).length === 0) continue;
    const instead =
      'variables are those of the object and of the request; a ConfigMap among the policies stands for one that a rule names';
    problems.unsupported(`${path}.policies[${index}]`, instead);
  }
  if ((fields?.array('subresources', MAX_ENTRIES).length ?? 0) > 0) {
    problems.unsupported(`${path}.subresources`, 'whole objects are decided about');
  }
  const namespaces = new Map<string, ReadonlyMap<string, string>>();
  for (const entry of fields?.objects('namespaceSelector', MAX_ENTRIES) ?? []) {
    entry.only('name', 'labels');
    namespaces.set(entry.string('name'), labelsOf(entry.optionalObject('labels')));
  }
  for (const entry of fields?.objects('namespaces', MAX_ENTRIES) ?? []) {
    const metadata = entry.object('metadata');
    namespaces.set(metadata.string('name'), labelsOf(metadata.optionalObject('labels')));
  }
  return {
    operation: parseOperation(
      given === undefined ? undefined : textOf(given, 'request.operation'),
      `${path}.globalValues.request.operation`,
      problems,
    ),
    namespaces,
  };
}

function labelsOf(fields: JsonFields | undefined): ReadonlyMap<string, string> {
  return new Map((fields?.names() ?? []).map((name) => [name, fields?.string(name) ?? '']));
}
