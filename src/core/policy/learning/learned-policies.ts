import { encodeHex } from '../../encoding/hex.ts';
import { repositoryGlob } from '../document/image-glob.ts';
import { pinnedName, type PinnedImage } from '../judgement/image-evidence.ts';
import { observedSignerText, type ObservedSigner, type SignatureStorage } from './observed-signer.ts';
import { proposeDemands, reasonAgainst, type ProposedDemand, type SignerDemand } from './signer-demand.ts';

/** An image that was looked at, and who has signed it; or why nobody knows. */
export interface ObservedImage {
  readonly image: PinnedImage;
  /** Namespaces that run it; empty where it was only named. */
  readonly namespaces: readonly string[];
  readonly signers: readonly ObservedSigner[];
  /** Why it is not known, or not believed, when there are no signers. */
  readonly absence?: Absence;
}

export interface Absence {
  readonly kind: 'unsigned' | 'unread-format' | 'not-believed' | 'could-not-check';
  /** Such as `NO_SIGNATURE`. */
  readonly code: string;
  readonly reason: string;
}

export interface LearnedPolicy {
  /** RFC 1123 label, the same for the same signers whenever it is learnt. */
  readonly name: string;
  /** Of repositories. */
  readonly globs: readonly string[];
  /** Any of them suffices. */
  readonly demands: readonly SignerDemand[];
  readonly notes: readonly string[];
  /** The images that it was learnt from, which it admits. */
  readonly images: readonly string[];
  readonly namespaces: readonly string[];
  /** Where all of these images have a signature that is asked for. */
  readonly storage: readonly SignatureStorage[];
}

const STORAGES: readonly SignatureStorage[] = ['layers', 'bundles'];

/** What no proposed policy is about, or asks for, and why. */
export interface LeftOut {
  readonly image: string;
  readonly namespaces: readonly string[];
  /** `several-signers`: the image is in a policy, and this signer of it is not. */
  readonly kind: Absence['kind'] | 'too-wide' | 'several-signers';
  readonly code?: string;
  readonly reason: string;
}

export interface Learned {
  readonly policies: readonly LearnedPolicy[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * The tightest policies that admit every image whose signer may be asked for: one for each set of signers, about the repositories
 * that they sign. Of several signers the fewest are asked for that cover all images of a repository; the others are named as left out.
 */
export function learnPolicies(images: readonly ObservedImage[]): Learned {
  const leftOut: LeftOut[] = [];
  const byRepository = new Map<string, ObservedImage[]>();
  for (const observed of images) {
    const { image, namespaces, signers, absence } = observed;
    const name = pinnedName(image);
    if (absence !== undefined) leftOut.push({ image: name, namespaces, ...absence });
    const usable = signers.filter((signer) => {
      const reason = reasonAgainst(signer);
      if (reason !== undefined) {
        leftOut.push({ image: name, namespaces, kind: 'too-wide', reason: `${observedSignerText(signer)}: ${reason}` });
      }
      return reason === undefined;
    });
    if (usable.length === 0) continue;
    const glob = repositoryGlob(image);
    byRepository.set(glob, [...(byRepository.get(glob) ?? []), { ...observed, signers: usable }]);
  }
  const policies = new Map<string, LearnedPolicy>();
  for (const [glob, own] of [...byRepository].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { chosen, others } = cover(own);
    leftOut.push(...others);
    const demands = chosen.map(({ demand }) => demand);
    const key = JSON.stringify(demands.map(demandKey));
    const known = policies.get(key);
    policies.set(key, {
      name: known?.name ?? freeName(nameFor(demands), [...policies.values()]),
      globs: [...(known?.globs ?? []), glob],
      demands,
      notes: distinct([...(known?.notes ?? []), ...chosen.flatMap(({ notes }) => notes)]),
      images: [...(known?.images ?? []), ...own.map(({ image }) => pinnedName(image))],
      namespaces: distinct([...(known?.namespaces ?? []), ...own.flatMap(({ namespaces }) => namespaces)]),
      storage: STORAGES.filter(
        (one) => known?.storage.includes(one) !== false && own.every((image) => isStored(image, chosen, one)),
      ),
    });
  }
  return { policies: [...policies.values()], leftOut };
}

function isStored({ signers }: ObservedImage, chosen: readonly ProposedDemand[], storage: SignatureStorage): boolean {
  return signers.some(
    (signer) => chosen.some(({ seen }) => seen.includes(signer)) && signer.storage?.includes(storage) !== false,
  );
}

/** The demands that cover the most images first, until each image of the repository meets one. */
function cover(images: readonly ObservedImage[]): {
  readonly chosen: readonly ProposedDemand[];
  readonly others: readonly LeftOut[];
} {
  const proposed = proposeDemands(images.flatMap(({ signers }) => signers));
  const meets = ({ signers }: ObservedImage, { seen }: ProposedDemand): boolean =>
    signers.some((signer) => seen.includes(signer));
  const chosen: ProposedDemand[] = [];
  let open = images;
  while (open.length > 0) {
    const counted = proposed.map((demand) => ({ demand, count: open.filter((image) => meets(image, demand)).length }));
    // Of equals a workflow before a key, then the first by name: the same answer each time.
    counted.sort((a, b) => b.count - a.count || rank(a.demand) - rank(b.demand));
    const best = counted[0]?.demand;
    if (best === undefined) break;
    chosen.push(best);
    open = open.filter((image) => !meets(image, best));
  }
  const others = images.flatMap(({ image, namespaces, signers }) =>
    signers
      .filter((signer) => !chosen.some(({ seen }) => seen.includes(signer)))
      .map((signer): LeftOut => ({
        image: pinnedName(image),
        namespaces,
        kind: 'several-signers',
        reason: `it is signed by ${observedSignerText(signer)} as well, who is not needed`,
      })),
  );
  return { chosen, others };
}

function rank({ demand }: ProposedDemand): number {
  return demand.kind === 'key' ? 1 : 0;
}

function demandKey(demand: SignerDemand): unknown {
  if (demand.kind === 'key') return ['key', encodeHex(demand.key.id), demand.isLogged];
  const { issuer, subject, caller } = demand;
  return [issuer, subject, caller?.repository ?? '', caller?.refs ?? []];
}

/** After who signs: repository and workflow, or person, or key. */
function nameFor(demands: readonly SignerDemand[]): string {
  const [first] = demands;
  if (first === undefined) return 'signed';
  if (first.kind === 'key') return `signed-by-key-${encodeHex(first.key.id).slice(0, 8)}`;
  const { subject, caller } = first;
  const text = subject.kind === 'exact' ? subject.value : subject.source.replaceAll('\\', '');
  const [, path = text] = /^\^?[a-z]+:\/\/[^/]+\/(.*)$/.exec(text) ?? [];
  const [workflow = ''] = path.split('@refs/');
  const short = workflow.replace('/.github/workflows/', '-').replace(/\.ya?ml$/, '');
  return label(`${caller === undefined ? '' : `${caller.repository}-by-`}${short}`);
}

/** RFC 1123 label: what the API server accepts as an object's name, with room for a number. */
function label(text: string): string {
  const words = text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  return words.join('-').slice(0, 56).replace(/-+$/, '') || 'signed';
}

function freeName(wanted: string, taken: readonly LearnedPolicy[]): string {
  const names = new Set(taken.map(({ name }) => name));
  let name = wanted;
  for (let number = 2; names.has(name); number++) name = `${wanted}-${number}`;
  return name;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
