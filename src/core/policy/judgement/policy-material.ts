import type { PublicKey } from '../../crypto/public-key.ts';
import type { TrustedRoot } from '../../trust/trusted-root.ts';
import { PolicyError, type SealwrightError } from '../../../errors.ts';
import type { ConfigMapLookup } from '../kyverno/conditions-evaluation.ts';
import type {
  ClusterImagePolicy,
  KeySource,
  ProgramSource,
  SigningAuthority,
} from '../cluster-image/cluster-image-policy.ts';

/** A value that a policy refers to, or why it could not be had. */
export type Resolved<Value> =
  /** `isGone`: looked for the last time, it was not there any more. */
  { readonly value: Value; readonly isGone?: true } | { readonly error: SealwrightError };

/** What policies refer to and do not contain, by the names that {@link keyName} and {@link programName} give. */
export interface PolicyReferences {
  readonly keys: ReadonlyMap<string, Exclude<KeySource, { kind: 'data' }>>;
  readonly programs: ReadonlyMap<string, Exclude<ProgramSource, { kind: 'data' }>>;
  readonly trustRoots: ReadonlySet<string>;
}

export interface ResolvedReferences {
  readonly keys: ReadonlyMap<string, Resolved<PublicKey>>;
  readonly programs: ReadonlyMap<string, Resolved<string>>;
  readonly trustRoots: ReadonlyMap<string, Resolved<TrustedRoot>>;
  /** ConfigMaps that only a review shows to be wanted; absent where there is nowhere to look. */
  readonly configMaps?: ConfigMapLookup;
}

export const NO_REFERENCES: ResolvedReferences = { keys: new Map(), programs: new Map(), trustRoots: new Map() };

export const REFERS_TO_NOTHING: PolicyReferences = { keys: new Map(), programs: new Map(), trustRoots: new Set() };

/** Every reference of several policies, each once. */
export function mergeReferences(all: readonly PolicyReferences[]): PolicyReferences {
  return {
    keys: new Map(all.flatMap(({ keys }) => [...keys])),
    programs: new Map(all.flatMap(({ programs }) => [...programs])),
    trustRoots: new Set(all.flatMap(({ trustRoots }) => [...trustRoots])),
  };
}

/** What a policy refers to outside itself. */
export function clusterImageReferences({ authorities, condition }: ClusterImagePolicy): PolicyReferences {
  const keys = new Map<string, Exclude<KeySource, { kind: 'data' }>>();
  const programs = new Map<string, Exclude<ProgramSource, { kind: 'data' }>>();
  const trustRoots = new Set<string>();
  const addProgram = (source: ProgramSource): void => {
    if (source.kind !== 'data') programs.set(programName(source), source);
  };
  if (condition !== undefined) addProgram(condition.program.source);
  for (const authority of authorities) {
    if (authority.kind === 'static') continue;
    if (authority.kind === 'key' && authority.key.kind !== 'data') keys.set(keyName(authority.key), authority.key);
    for (const { program } of authority.attestations) if (program !== undefined) addProgram(program.source);
    for (const name of trustRootsOf(authority)) trustRoots.add(name);
  }
  return { keys, programs, trustRoots };
}

function trustRootsOf(authority: SigningAuthority): readonly string[] {
  const names = [
    authority.kind === 'keyless' ? authority.trustRoot : undefined,
    authority.log?.trustRoot,
    authority.timestamp?.trustRoot,
  ];
  return names.filter((name) => name !== undefined);
}

/** A policy is judged with this beside it: the keys, programs and trust roots that it refers to. */
export class PolicyMaterial {
  /** The webhook's own, for authorities that name none. */
  readonly defaultRoot: TrustedRoot;
  readonly #references: ResolvedReferences;
  readonly #composed = new Map<string, TrustedRoot>();

  constructor(defaultRoot: TrustedRoot, references: ResolvedReferences = NO_REFERENCES) {
    this.defaultRoot = defaultRoot;
    this.#references = references;
  }

  /** @throws SealwrightError why the key could not be had */
  key(source: KeySource): PublicKey {
    return source.kind === 'data' ? source.key : found(this.#references.keys, keyName(source));
  }

  /** The program's text. @throws SealwrightError why it could not be had */
  program(source: ProgramSource): string {
    return source.kind === 'data' ? source.text : found(this.#references.programs, programName(source));
  }

  /**
   * The trusted root that an authority's signatures are verified with: certificate authorities and CT logs of one TrustRoot,
   * logs of another, timestamp authorities of a third, each the webhook's own where none is named. The same value for the
   * same authorities.
   *
   * @throws SealwrightError why a TrustRoot could not be had
   */
  trustedRoot(authority: SigningAuthority): TrustedRoot {
    const signers = authority.kind === 'keyless' ? authority.trustRoot : undefined;
    const logs = authority.log === undefined ? signers : authority.log.trustRoot;
    const timestamps = authority.timestamp === undefined ? signers : authority.timestamp.trustRoot;
    const name = JSON.stringify([signers, logs, timestamps]);
    const known = this.#composed.get(name);
    if (known !== undefined) return known;
    const certificateRoot = this.#root(signers);
    const composed: TrustedRoot = {
      ...certificateRoot,
      tlogs: this.#root(logs).tlogs,
      timestampAuthorities: this.#root(timestamps).timestampAuthorities,
    };
    const isPlain = signers === undefined && logs === undefined && timestamps === undefined;
    this.#composed.set(name, isPlain ? this.defaultRoot : composed);
    return isPlain ? this.defaultRoot : composed;
  }

  #root(name: string | undefined): TrustedRoot {
    return name === undefined ? this.defaultRoot : found(this.#references.trustRoots, name);
  }
}

export function keyName(source: Exclude<KeySource, { kind: 'data' }>): string {
  if (source.kind === 'kms') return source.uri;
  const { name, namespace, entry } = source;
  return `Secret ${namespace === undefined ? '' : `${namespace}/`}${name}${entry === undefined ? '' : `, ${entry}`}`;
}

export function programName(source: Exclude<ProgramSource, { kind: 'data' }>): string {
  return source.kind === 'configMap' ? `ConfigMap ${source.name}, ${source.key}` : `${source.url}#${source.sha256}`;
}

function found<Value>(values: ReadonlyMap<string, Resolved<Value>>, name: string): Value {
  const resolved = values.get(name);
  if (resolved === undefined) {
    throw new PolicyError('POLICY_EVALUATION', `the policy refers to ${name}, which is not there`, {
      found: `no ${name}`,
      expected: 'a source that has it: the cluster that the policies come from, or another file',
    });
  }
  if ('error' in resolved) throw resolved.error;
  return resolved.value;
}
