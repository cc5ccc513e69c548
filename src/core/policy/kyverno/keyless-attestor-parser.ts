import type { JsonFields } from '../../encoding/json-fields.ts';
import { checkMatcher, type StringMatcher } from '../../identity/identity-pattern.ts';
import type { FulcioExtensionName } from '../../pki/fulcio-extensions.ts';
import { UsageError } from '../../../errors.ts';
import type { Attestor, IdentityPattern, KeyAttestor } from './attestor.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';
import { parseChain } from './log-demand-parser.ts';
import { Wildcard } from './wildcard.ts';

type Common = Omit<KeyAttestor, 'kind' | 'key' | 'hash'>;

const ARC = '1.3.6.1.4.1.57264.1.';
/** What Kyverno can compare, by object identifier and by cosign's name for it. */
const EXTENSIONS: readonly (readonly [string, FulcioExtensionName])[] = [
  ['oidcIssuer', 'issuer'],
  ['githubWorkflowTrigger', 'githubWorkflowTrigger'],
  ['githubWorkflowSha', 'githubWorkflowSha'],
  ['githubWorkflowName', 'githubWorkflowName'],
  ['githubWorkflowRepository', 'githubWorkflowRepository'],
  ['githubWorkflowRef', 'githubWorkflowRef'],
];

export function parseKeyless(fields: JsonFields, common: Common, problems: KyvernoProblems): readonly Attestor[] {
  const { path } = common;
  const names = ['issuer', 'issuerRegExp', 'subject', 'subjectRegExp', 'roots', 'additionalExtensions'];
  fields.only(...names, 'rekor', 'ctlog');
  const text = (name: string): string => fields.optionalString(name) ?? '';
  for (const name of names.slice(0, 5)) {
    if (text(name).includes('{{')) problems.unsupported(`${path}.${name}`, 'variables are not filled in');
  }
  const rekor = fields.optionalObject('rekor');
  if (rekor === undefined && text('roots') === '') problems.invalid(path, 'Either Rekor URL or roots are required');
  if (rekor !== undefined && (rekor.optionalString('url') ?? '') === '') problems.invalid(path, 'An URL is required');
  const patterns = (plain: string, regexp: string): readonly IdentityPattern[] => [
    ...wildcardOf(text(plain), `${path}.${plain}`, problems),
    ...regexpOf(text(regexp), `${path}.${regexp}`, problems),
  ];
  const roots = text('roots') === '' ? [] : parseChain(text('roots'), `${path}.roots`, problems);
  const subjects = patterns('subject', 'subjectRegExp');
  const issuers = patterns('issuer', 'issuerRegExp');
  const extensions = parseExtensions(fields.optionalObject('additionalExtensions'), path, problems);
  return [{ kind: 'keyless', ...common, roots, subjects, issuers, extensions }];
}

function wildcardOf(text: string, path: string, problems: KyvernoProblems): readonly IdentityPattern[] {
  const pattern = text === '' ? undefined : problems.usable(path, () => Wildcard.parse(text));
  return pattern === undefined ? [] : [{ kind: 'wildcard', pattern }];
}

/** Any part of the text may match, as in the original. */
function regexpOf(source: string, path: string, problems: KyvernoProblems): readonly IdentityPattern[] {
  if (source === '') return [];
  const matcher: StringMatcher = { kind: 'regexp', source, strict: false };
  try {
    checkMatcher(matcher, 'identity');
    return [{ kind: 'matcher', matcher }];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.invalid(path, `invalid regexp: ${source.slice(0, 200)}`);
    return [];
  }
}

export function parseExtensions(
  fields: JsonFields | undefined,
  path: string,
  problems: KyvernoProblems,
): ReadonlyMap<FulcioExtensionName, Wildcard> {
  const extensions = new Map<FulcioExtensionName, Wildcard>();
  for (const name of fields?.names() ?? []) {
    const place = `${path}.additionalExtensions`;
    const known = EXTENSIONS.find(([own], index) => own === name || `${ARC}${index + 1}` === name);
    const pattern = problems.usable(place, () => Wildcard.parse(fields?.string(name) ?? ''));
    if (known === undefined) problems.invalid(place, `invalid certificate extension ${name.slice(0, 100)}`);
    else if (pattern !== undefined) extensions.set(known[1], pattern);
  }
  return extensions;
}
