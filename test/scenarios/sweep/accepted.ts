/** Differences of cosign's mode that the sweep finds and that stay, each with its reason. What is not here fails the test. */
import type { Aspect } from './sweep.ts';

export interface Accepted {
  /** Of the invocation's name. */
  readonly of: RegExp;
  readonly in: readonly Aspect[];
  readonly cosign: string;
  readonly here: string;
  readonly why: string;
  /** Tags of cosign's that are not here: of what else it writes nothing may be missing. */
  readonly lacks?: RegExp;
}

const ENDS: readonly Aspect[] = ['exitCode', 'stdout', 'files', 'registry'];

/** How many invocations are played, and how many of them differ as listed. */
export const SWEPT = { suite: { played: 938, listed: 37 }, whole: { played: 3096, listed: 84 } };

export const ACCEPTED: readonly Accepted[] = [
  {
    of: /^(version|env|completion|download bogus|attach$|upload$|bundle$|trusted-root$|signing-config$|dockerfile$|manifest$|debug$|debug providers)/,
    in: ['stdout'],
    cosign: 'prints its help, its version, completions and variables in its own words',
    here: 'prints ours: the same headings, fields and names',
    why: 'they are texts for people',
  },
  {
    of: /^copy\b/,
    in: ['registry'],
    lacks: /^(bogus)?sha256-HEX with/,
    cosign:
      'puts each manifest that it copies under a tag of its digest as well, and leaves behind what refers to an image',
    here: 'puts nothing under such tags, and copies all that cosign copies and what refers to an image',
    why: 'where a registry has no list of referrers, that tag is the list, and would be lost; a copy without its signatures is unsigned',
  },
  {
    of: /: a digest that is not there/,
    in: ENDS,
    cosign: 'signs, attests and describes a digest that the registry does not have, in the storage of before bundles',
    here: 'says that it is not there',
    why: 'a digest of another repository, or a mistyped one, would be signed without a word, for whoever pushes it later',
  },
  {
    of: /^(dockerfile|manifest) verify: --(use-signed-timestamps, yes|signature-digest-algorithm, a wrong value)$/,
    in: ENDS,
    cosign: 'verifies images that a file names without the timestamp, or the digest algorithm, that a flag demands',
    here: 'holds them to it',
    why: 'a signature would count that whoever typed the flag does not want to count',
  },
  {
    of: /^download attestation\b.*--platform/,
    in: ['stdout'],
    cosign: 'prints the bundles of an index before it finds out that the platform is none, and ends with 1',
    here: 'ends with 1 too, and prints nothing',
    why: 'what is on stdout is the result of a command that ended well',
  },
  {
    of: /^attest-blob(: --(type, (an empty|a wrong) value|hash, a wrong value)$| .*--statement envelope)/,
    in: ENDS,
    cosign: 'takes any text for a type or a digest of `attest-blob`, and any JSON for a statement',
    here: 'refuses what is none',
    why: 'such an attestation is of no type that can be demanded, or of nothing that there is',
  },
  {
    of: /^bundle create: --(artifact, (an empty file|what is something else)|signature, an empty file)$/,
    in: ENDS,
    cosign: 'makes a bundle of a signature that is empty, or of something else than the file',
    here: 'refuses to: 1',
    why: 'it would verify nowhere, and be found out by somebody else',
  },
  {
    of: /--key plain\.pem/,
    in: ENDS,
    cosign: 'signs with no key that is not encrypted',
    here: 'signs with it',
    why: 'whoever keeps it in a vault of their own loses nothing; nobody takes the refusal for an answer',
  },
  {
    of: /^tree: --experimental-oci11, no$/,
    in: ['stdout'],
    cosign: 'shows no bundles with `--experimental-oci11=false`',
    here: 'shows them',
    why: 'the flag goes, and an image with signatures is not to look unsigned',
  },
];
