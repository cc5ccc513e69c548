import { encodeHex } from '../../encoding/hex.ts';
import type { PublicKey } from '../../crypto/public-key.ts';
import { isReused, type ObservedSigner } from './observed-signer.ts';

/** What a policy asks of a signature: the tightest that lets the next release of the same signer pass as well. */
export type SignerDemand =
  | {
      readonly kind: 'identity';
      readonly issuer: string;
      readonly subject:
        | { readonly kind: 'exact'; readonly value: string }
        /** RE2, with its anchors. */
        | { readonly kind: 'regexp'; readonly source: string };
      /** What a reusable workflow must have signed for. */
      readonly caller?: Caller;
    }
  | { readonly kind: 'key'; readonly key: PublicKey; readonly isLogged: boolean };

/** A repository that runs somebody else's workflow, and for which of its refs. */
export interface Caller {
  /** GitHub's `owner/name`. */
  readonly repository: string;
  /** Exact, or with a `*` at the end. Undefined: certificates of such a workflow do not say. */
  readonly refs: readonly string[] | undefined;
}

/** A demand with what its reader should know about it. */
export interface ProposedDemand {
  readonly demand: SignerDemand;
  /** Signers seen that meet it. */
  readonly seen: readonly ObservedSigner[];
  readonly notes: readonly string[];
}

/** What is written behind the `@` of a workflow's name. */
type Ref =
  | { readonly kind: 'branch' | 'tag'; readonly name: string }
  /** Of a proposed change, or a commit: never widened. */
  | { readonly kind: 'other'; readonly text: string };

const SEMVER = /^v?\d+\.\d+\.\d+$/;
const MAIN_BRANCHES: readonly string[] = ['main', 'master'];

/** Why no policy should ask for this signer; undefined when one may. */
export function reasonAgainst(signer: ObservedSigner): string | undefined {
  if (signer.kind === 'key') return undefined;
  const { subject, issuer, githubRepository, sourceRef = '' } = signer;
  if (subject === '' || issuer === '') return 'its certificate names nobody, or no issuer';
  if (
    [subject.slice(subject.lastIndexOf('@') + 1), sourceRef].some((ref) => /^refs\/(?:pull|merge-requests)\//.test(ref))
  ) {
    return 'it signed a proposed change: whoever may propose one could sign by that name';
  }
  if (isReused(signer) && githubRepository === undefined) {
    return 'it is a shared pipeline, and a policy cannot ask for the repository it was run for: every caller would pass';
  }
  return undefined;
}

/**
 * What to ask for so that all of these signers pass, one demand for each kind of thing that signed. Branches stay as they are;
 * releases get room for the next tag of the same shape; how a caller pinned a reusable workflow stays as it is.
 *
 * @param signers without those that {@link reasonAgainst} is against
 */
export function proposeDemands(signers: readonly ObservedSigner[]): readonly ProposedDemand[] {
  const groups = new Map<string, ObservedSigner[]>();
  for (const signer of signers) {
    const name = groupOf(signer);
    groups.set(name, [...(groups.get(name) ?? []), signer]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, seen]) => propose(seen));
}

/** Signers that one demand can be about. */
function groupOf(signer: ObservedSigner): string {
  if (signer.kind === 'key') return `key ${encodeHex(signer.key.id)}`;
  const { issuer, subject } = signer;
  const { workflow, ref } = splitSubject(subject);
  if (isReused(signer)) return JSON.stringify([issuer, subject, signer.githubRepository ?? '']);
  return ref?.kind === 'tag' ? JSON.stringify([issuer, workflow, 'tags']) : JSON.stringify([issuer, subject]);
}

function propose(seen: readonly ObservedSigner[]): ProposedDemand {
  const [first] = seen;
  if (first === undefined) throw new TypeError('a group without signers');
  if (first.kind === 'key') {
    const isLogged = seen.every((signer) => signer.kind === 'key' && signer.isLogged);
    const notes = ['a key that lives long: whoever gets hold of it signs until it is taken out of the policy'];
    return { demand: { kind: 'key', key: first.key, isLogged }, seen, notes };
  }
  const { issuer, subject, githubRepository } = first;
  if (isReused(first) && githubRepository !== undefined) {
    const notes = [`a reusable workflow: it has to sign for ${githubRepository}, or every caller of it would pass`];
    const caller: Caller = { repository: githubRepository, refs: callerRefs(seen) };
    return { demand: { kind: 'identity', issuer, subject: { kind: 'exact', value: subject }, caller }, seen, notes };
  }
  const { workflow, ref } = splitSubject(subject);
  if (ref?.kind !== 'tag') {
    return {
      demand: { kind: 'identity', issuer, subject: { kind: 'exact', value: subject } },
      seen,
      notes: notesOn(ref, subject),
    };
  }
  const tags = seen.flatMap((signer) => (signer.kind === 'identity' ? tagOf(signer.subject) : []));
  const source = `^${escapePattern(workflow)}@refs/tags/${tagPattern(tags)}$`;
  const shown = [...new Set(tags)].slice(0, 5).join(', ');
  return {
    demand: { kind: 'identity', issuer, subject: { kind: 'regexp', source } },
    seen,
    notes: [
      tags.every((tag) => SEMVER.test(tag))
        ? `any release tag like those seen (${shown}); no pre-release and no branch`
        : `any tag, as those seen have no common shape (${shown}); no branch`,
    ],
  };
}

function callerRefs(seen: readonly ObservedSigner[]): readonly string[] | undefined {
  const refs = seen.flatMap((signer) => (signer.kind === 'identity' ? [signer.sourceRef] : []));
  const known = refs.filter((ref) => ref !== undefined);
  if (known.length < refs.length) return undefined;
  return [...new Set(known.map((ref) => (ref.startsWith('refs/tags/') ? 'refs/tags/*' : ref)))].sort();
}

function notesOn(ref: Ref | undefined, subject: string): readonly string[] {
  if (ref === undefined) {
    return subject.includes('@') && !subject.includes('/')
      ? ['a person, not a workflow: whoever has this account signs']
      : [];
  }
  if (ref.kind === 'branch' && !MAIN_BRANCHES.includes(ref.name)) {
    return [`the branch ${ref.name}: whoever may push to it signs`];
  }
  return ref.kind === 'branch'
    ? [`runs on the branch ${ref.name} alone; a release that is built on a tag would not pass`]
    : [];
}

function splitSubject(subject: string): { readonly workflow: string; readonly ref?: Ref } {
  const at = subject.lastIndexOf('@');
  if (at < 0 || !/^[a-z]+:\/\//.test(subject)) return { workflow: subject };
  const text = subject.slice(at + 1);
  const [, kind, name = ''] = /^refs\/(heads|tags)\/(.+)$/s.exec(text) ?? [];
  const ref: Ref =
    kind === 'heads' ? { kind: 'branch', name } : kind === 'tags' ? { kind: 'tag', name } : { kind: 'other', text };
  return { workflow: subject.slice(0, at), ref };
}

function tagOf(subject: string): readonly string[] {
  const { ref } = splitSubject(subject);
  return ref?.kind === 'tag' ? [ref.name] : [];
}

/** One part of a version, or any text when the tags are not versions. */
function tagPattern(tags: readonly string[]): string {
  if (!tags.every((tag) => SEMVER.test(tag))) return '[^@]+';
  const prefixes = new Set(tags.map((tag) => tag.startsWith('v')));
  const prefix = prefixes.size === 2 ? 'v?' : prefixes.has(true) ? 'v' : '';
  return String.raw`${prefix}[0-9]+\.[0-9]+\.[0-9]+`;
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
