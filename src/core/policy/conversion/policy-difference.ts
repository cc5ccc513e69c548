import { encodeHex } from '../../encoding/hex.ts';
import { matcherText } from '../../identity/identity-pattern.ts';
import type {
  Authority,
  ClusterImagePolicy,
  LabelSelector,
  SigningAuthority,
} from '../cluster-image/cluster-image-policy.ts';
import { keyName } from '../judgement/policy-material.ts';

/** What a change does to images that were decided about: lets more in, or less, or nobody can tell without looking at one. */
export type Effect = 'tighter' | 'looser' | 'different';

export interface PolicyChange {
  readonly effect: Effect;
  readonly text: string;
}

export interface PolicyDifference {
  /** `ClusterImagePolicy shop`. */
  readonly policy: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly changes: readonly PolicyChange[];
}

/** One policy of a set, as far as it can be taken apart. */
export interface ComparedPolicy {
  readonly name: string;
  /** Undefined for kinds that are compared as a whole. */
  readonly policy?: ClusterImagePolicy;
  /** For one of another form, what it would be called as a `ClusterImagePolicy` or `ImagePolicy`. */
  readonly twin?: string;
  /** Equal for policies that say the same. */
  readonly hash: string;
}

/** What two sets of policies say differently, policy by policy, in terms of what is admitted. */
export function comparePolicies(
  before: readonly ComparedPolicy[],
  after: readonly ComparedPolicy[],
): readonly PolicyDifference[] {
  const old = new Map(before.map((each) => [each.name, each]));
  const now = new Map(after.map((each) => [each.name, each]));
  const pairs = twins(old, now);
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name): readonly PolicyDifference[] => {
    const [was, is] = [old.get(name), now.get(name)];
    const pair = pairs.find((one) => one.was.name === name || one.is.name === name);
    if (pair !== undefined)
      return pair.was.name === name ? changed(`${name} → ${pair.is.name}`, pair.was, pair.is) : [];
    if (was === undefined) return [{ policy: name, kind: 'added', changes: whole(is, 'tighter') }];
    if (is === undefined) return [{ policy: name, kind: 'removed', changes: whole(was, 'looser') }];
    return was.hash === is.hash ? [] : changed(name, was, is);
  });
}

function changed(name: string, was: ComparedPolicy, is: ComparedPolicy): readonly PolicyDifference[] {
  const changes =
    was.policy === undefined || is.policy === undefined
      ? [{ effect: 'different', text: 'it is another text, which is compared as a whole' } as const]
      : changesIn(was.policy, is.policy);
  // Names of authorities and the like: another text that admits the same.
  return changes.length === 0 ? [] : [{ policy: name, kind: 'changed', changes }];
}

/** Policies that are in one form before, and in another one after. */
function twins(
  old: ReadonlyMap<string, ComparedPolicy>,
  now: ReadonlyMap<string, ComparedPolicy>,
): readonly { readonly was: ComparedPolicy; readonly is: ComparedPolicy }[] {
  const gone = [...old.values()].filter(({ name }) => !now.has(name));
  const come = [...now.values()].filter(({ name }) => !old.has(name));
  const formName = ({ twin, name }: ComparedPolicy): string => twin ?? name;
  return gone.flatMap((was) => {
    const found = come.filter((is) => formName(is) === formName(was));
    const [is, another] = found;
    const isOnly = gone.filter((one) => formName(one) === formName(was)).length === 1;
    return is === undefined || another !== undefined || !isOnly ? [] : [{ was, is }];
  });
}

/** All policies about an image have to pass, so that one more only tightens, but for images that none was about. */
function whole(compared: ComparedPolicy | undefined, effect: Effect): readonly PolicyChange[] {
  const policy = compared?.policy;
  if (policy === undefined) return [{ effect, text: 'the whole policy' }];
  const about = policy.images.map(({ text }) => text).join(', ');
  return [
    { effect: policy.mode === 'warn' ? 'different' : effect, text: `about ${about}, mode ${policy.mode}` },
    ...acceptances(policy).map((text) => ({ effect: 'different' as const, text: `accepts ${text}` })),
  ];
}

function changesIn(was: ClusterImagePolicy, is: ClusterImagePolicy): readonly PolicyChange[] {
  return [
    ...(was.mode === is.mode
      ? []
      : [{ effect: is.mode === 'enforce' ? 'tighter' : 'looser', text: `mode ${was.mode} → ${is.mode}` } as const]),
    ...sets(
      was.images.map(({ text }) => text),
      is.images.map(({ text }) => text),
      {
        added: ['tighter', 'is about'],
        removed: ['looser', 'is no longer about'],
      },
    ),
    ...matches(was, is),
    ...sets(acceptances(was), acceptances(is), {
      added: ['looser', 'accepts'],
      removed: ['tighter', 'no longer accepts'],
    }),
    ...conditions(was, is),
  ];
}

function sets(
  was: readonly string[],
  is: readonly string[],
  words: { readonly added: readonly [Effect, string]; readonly removed: readonly [Effect, string] },
): readonly PolicyChange[] {
  const say = (texts: readonly string[], [effect, verb]: readonly [Effect, string]): readonly PolicyChange[] =>
    texts.map((text) => ({ effect, text: `${verb} ${text}` }));
  return [
    ...say(
      distinct(is).filter((text) => !was.includes(text)),
      words.added,
    ),
    ...say(
      distinct(was).filter((text) => !is.includes(text)),
      words.removed,
    ),
  ];
}

/** No entry at all is every object: the first entry narrows, and the last one that goes widens. */
function matches(was: ClusterImagePolicy, is: ClusterImagePolicy): readonly PolicyChange[] {
  const [before, after] = [was, is].map(({ match }) =>
    match.map(({ group, version, resource, selector }) =>
      [`${group === '' ? 'core' : group}/${version} ${resource}`, selectorText(selector)].join(''),
    ),
  );
  if (before === undefined || after === undefined) return [];
  if (before.length === 0 && after.length > 0)
    return [{ effect: 'looser', text: `is about ${after.join(', ')} alone` }];
  if (before.length > 0 && after.length === 0) return [{ effect: 'tighter', text: 'is about every kind of object' }];
  return sets(before, after, {
    added: ['tighter', 'is about objects'],
    removed: ['looser', 'is no longer about objects'],
  });
}

function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return '';
  const labels = [...selector.matchLabels].map(([name, value]) => `${name}=${value}`);
  const rest = selector.matchExpressions.map(({ key, operator, values }) => `${key} ${operator} ${values.join('|')}`);
  return ` with ${[...labels, ...rest].join(', ')}`;
}

/** Each way to satisfy a policy, with all that it demands; one suffices, so that one more loosens. */
function acceptances({ authorities }: ClusterImagePolicy): readonly string[] {
  return authorities.flatMap((authority): readonly string[] => {
    if (authority.kind === 'static') return authority.action === 'pass' ? ['every image, unseen'] : [];
    const demands = demandsOf(authority);
    return signers(authority).map((text) => (demands.length === 0 ? text : `${text} [${demands.join(', ')}]`));
  });
}

function signers(authority: Exclude<Authority, { kind: 'static' }>): readonly string[] {
  if (authority.kind === 'key') {
    const { key, hash } = authority;
    return [
      `the key ${key.kind === 'data' ? encodeHex(key.key.id) : keyName(key)}${hash === 'sha256' ? '' : ` by ${hash}`}`,
    ];
  }
  return authority.identities.map(
    ({ subject, issuer }) => `subject ${matcherText(subject)}, issuer ${matcherText(issuer)}`,
  );
}

function demandsOf(authority: SigningAuthority): readonly string[] {
  const { log, timestamp, attestations, source } = authority;
  const root = (named: { readonly trustRoot?: string }): string =>
    named.trustRoot === undefined ? '' : ` of ${named.trustRoot}`;
  return [
    ...(authority.kind === 'keyless' && authority.trustRoot !== undefined ? [`trusted by ${authority.trustRoot}`] : []),
    ...(authority.kind === 'keyless' && authority.ignoresSct ? ['without SCT'] : []),
    ...(log === undefined ? [] : [`logged${root(log)}`]),
    ...(timestamp === undefined ? [] : [`stamped${root(timestamp)}`]),
    ...attestations.map(({ name, predicateUri, program }) => {
      const judged = program === undefined ? '' : ` as ${JSON.stringify([program.language, program.source])}`;
      return `attested ${name}: ${predicateUri}${judged}`;
    }),
    ...(source?.repository === undefined
      ? []
      : [`kept in ${source.repository.registry}/${source.repository.repository}`]),
    ...(source?.tagPrefix === undefined ? [] : [`behind ${source.tagPrefix}`]),
  ];
}

function conditions(was: ClusterImagePolicy, is: ClusterImagePolicy): readonly PolicyChange[] {
  const [before, after] = [JSON.stringify(was.condition), JSON.stringify(is.condition)];
  if (before === after) {
    const names = (policy: ClusterImagePolicy): string => policy.authorities.map(({ name }) => name).join(', ');
    return was.condition === undefined || names(was) === names(is)
      ? []
      : [{ effect: 'different', text: `its program sees authorities by other names: ${names(is)}` }];
  }
  if (was.condition === undefined) return [{ effect: 'tighter', text: 'a program of its own has to agree' }];
  if (is.condition === undefined) return [{ effect: 'looser', text: 'no program of its own has to agree' }];
  return [{ effect: 'different', text: 'another program has to agree' }];
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
