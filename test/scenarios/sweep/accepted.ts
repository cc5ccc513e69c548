/** Differences of cosign's mode that the sweep finds and that stay, each with its reason. What is not here fails the test. */
import type { Aspect } from './sweep.ts';

export interface Accepted {
  /** Of the invocation's name. */
  readonly of: RegExp;
  readonly in: readonly Aspect[];
  readonly cosign: string;
  readonly here: string;
  readonly why: string;
}

const ENDS: readonly Aspect[] = ['exitCode', 'stdout', 'files', 'registry'];

export const ACCEPTED: readonly Accepted[] = [
  {
    of: /^(version|env|completion|download bogus|attach$|upload$|bundle$|trusted-root$|signing-config$|dockerfile$|manifest$|debug$|debug providers)/,
    in: ['stdout'],
    cosign: 'prints its help, its version, completions and variables in its own words',
    here: 'prints ours: the same headings, fields and names',
    why: 'they are texts for people',
  },
  {
    of: /: --(bundle|out|output-\w+), (an empty file|what is something else)$/,
    in: ['files'],
    cosign: 'writes into a file that is there, which keeps its mode',
    here: 'replaces the file whole, for its owner alone',
    why: 'half a document must not stand where a whole one was',
  },
  {
    of: /^(public-key|generate-key-pair|import-key-pair)\b/,
    in: ['files'],
    cosign: 'writes the public half for its owner alone, and takes an empty --output-key-prefix for a name',
    here: 'writes it for everybody to read, and takes an empty one for none',
    why: 'it is the half that is given away',
  },
  {
    of: /^copy\b/,
    in: ['registry'],
    cosign: 'copies what has tags, and leaves a tag for each digest; what refers to an image stays behind',
    here: 'copies all that belongs to the image, under the names that it had',
    why: 'a copy without its signatures is unsigned',
  },
  {
    of: /^save\b/,
    in: ['files'],
    cosign: 'writes the files of a folder as programs',
    here: 'writes them as documents',
    why: 'nothing in them runs',
  },
  {
    of: /^load\b/,
    in: ['registry'],
    cosign: 'loads signatures and attestations, and leaves SBOMs in the folder',
    here: 'loads all that the folder has',
    why: 'what was saved is there again',
  },
  {
    of: /^upload (blob|wasm)\b/,
    in: ['registry'],
    cosign: 'pushes the parts before it finds out that the name has a digest, or overwrites a tag',
    here: 'pushes nothing under a name that cannot be had',
    why: 'half an artifact is nobody’s',
  },
  {
    of: /: a digest that is not there/,
    in: ENDS,
    cosign: 'signs, attests and describes a digest that the registry does not have, in the storage of before bundles',
    here: 'says that it is not there',
    why: 'a signature of nothing is found by nobody, or by whoever pushes something else first',
  },
  {
    of: /^(dockerfile|manifest) verify: --|^verify: --(signature|payload|sct|certificate)/,
    in: ENDS,
    cosign: 'passes over flags that a key, or a bundle, has no use for, and does not open their files',
    here: 'refuses what cannot be used',
    why: 'who names a file means that it is looked at',
  },
  {
    of: /: --(max-workers|type|fulcio|tsa|ctfe|rekor|oidc-provider|ctfe-key|rekor-key|signing-algorithm), an empty value$/,
    in: ENDS,
    cosign: 'refuses an empty text here, and takes it for none elsewhere',
    here: 'takes it for none',
    why: 'an empty variable means the same everywhere',
  },
  {
    of: /^download attestation\b.*--platform/,
    in: ['stdout'],
    cosign: 'prints the bundles of an index before it finds out that the platform is none',
    here: 'prints nothing',
    why: 'what is on stdout is the result of a command that ended well',
  },
  {
    of: /^login\b/,
    in: ENDS,
    cosign: 'keeps an empty name or password',
    here: 'refuses them',
    why: 'nobody can log in with them',
  },
  {
    of: /: --(attestation|tsr|timestamp-client-\w+), (an empty file|what is something else|a folder|no such file)$/,
    in: ENDS,
    cosign:
      'takes an attestation that is none for nothing to attach, a timestamp that is none for one, and reads authorities of a service that is not asked',
    here: 'refuses what cannot be read, and opens what is used',
    why: 'what is attached has to be readable',
  },
  {
    of: /^(verify-blob|verify-blob-attestation): --(new-bundle-format|signature)|^attest-blob|^bundle create|--key plain\.pem/,
    in: ENDS,
    cosign: 'goes by flags that say how a file is to be read, and takes any text for a type or a digest',
    here: 'goes by what is in the file, and refuses what is none',
    why: 'a file says what it is; a mistyped digest makes an attestation of nothing',
  },
];
