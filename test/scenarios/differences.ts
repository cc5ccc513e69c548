/**
 * Where Sealwright does not do what cosign does, each place held up by an assertion of a scenario: by default, and, at the end, also
 * when it is called as cosign. `docs/differences.md` is made of this.
 */
export interface Difference {
  readonly cosign: string;
  readonly here: string;
  readonly why: string;
  readonly places: readonly Place[];
}

/** One assertion of a scenario, and what comes of it by default; a pattern where that is a text for people. */
export interface Place {
  readonly scenario: string;
  readonly label: string;
  readonly value: unknown;
}

function places(value: unknown, labels: Readonly<Record<string, readonly string[]>>): readonly Place[] {
  return Object.entries(labels).flatMap(([scenario, names]) => names.map((label) => ({ scenario, label, value })));
}

export const DIFFERENCES: readonly Difference[] = [
  {
    cosign: 'ends with 1 when what was found does not verify, and with 12 only for the format of before bundles',
    here: 'ends with 12, whatever the format and the command',
    why: 'what a script does next depends on which failure it was',
    places: places(12, {
      'image, another identity': ['another identity', 'another issuer', 'a pattern for nothing'],
      'image, key pair': ['another key', 'an identity for a key'],
      'image, annotations': ['another value', 'one right and one missing'],
      'image, several signatures': ['by the other, of one', 'by neither'],
      'blob, key pair': [
        'by another digest',
        'another from stdin',
        'another file',
        'another key',
        'without a log entry',
      ],
      'blob, keyless': ['another identity'],
      'flags from the environment': ['another key'],
      'blob, in loose parts': ['another file'],
      'blob, attested': ['another type', 'another file'],
      'documents of trust, of the instance’s own': ['without the log'],
      'image, a certificate of one’s own': [
        'a certificate for another key',
        'another identity',
        'another authority',
        'with a log entry that there is not',
      ],
      'image, logged and timestamped': ['an authority that is not trusted'],
      'blob, timestamped': ['another file', 'another file attested', 'an authority that is not trusted'],
      'image, verified by roots and intermediates in files': [
        'a leaf of somebody else',
        'the leaf of another identity',
      ],
      'a certificate without its chain, and nobody who knows it': ['with a trusted root that has to know it'],
      'image, saved in either format and verified as it lies there': ['a bundle by another key'],
      'key of a key service': ['annotations that there are not'],
    }),
  },
  {
    cosign:
      'holds a certificate that is given against its authority before it looks for signatures, and ends with 1 when that fails',
    here: 'looks for signatures first: an image that has none ends with 10, whoever is asked for',
    why: 'that nothing is signed is the answer, whatever it should be signed with',
    places: places(10, {
      'image, verified by roots and intermediates in files': ['a leaf of somebody else for what is not signed'],
    }),
  },
  {
    cosign:
      'takes the intermediates that came with a signature only where flags name roots and nothing else, and then the last of them for a root',
    here: 'takes all of them for a path, whoever the trusted roots are named by',
    why: 'they make nobody a root: a path that holds is one, wherever its middle was found',
    places: places(0, {
      'image, verified by roots and intermediates in files': ['no intermediates', 'intermediates of somebody else'],
      'signature with certificate, chain and timestamp, attached': ['by a trusted root of its root alone'],
    }),
  },
  {
    cosign:
      'signs with a certificate that leads to the trusted root only by the chain that comes with it, and, without a signing config, with any',
    here: 'refuses to: 12. Whoever verifies would have to allow such chains; the trusted root has to have the intermediates',
    why: 'a signature that does not verify as it stands is found out by the one who can mend it',
    places: [
      ...places(12, {
        'image, a certificate with its chain': ['signed', 'attested'],
        'blob, a certificate with its chain': ['signed', 'attested'],
        'a certificate without its chain, and nobody who knows it': ['signed', 'signed in a bundle', 'a blob'],
        'timestamp authority that asks for a certificate': ['a certificate of one’s own'],
      }),
      ...places(10, {
        'a certificate without its chain, and nobody who knows it': [
          'by roots and intermediates',
          'by its chain',
          'by the root alone',
        ],
        'timestamp authority that asks for a certificate': ['verified by its chain'],
        'image, a certificate with its chain': [
          'an attestation’s chain where none is allowed',
          'a chain that is allowed',
          'an attestation’s chain that is allowed',
        ],
      }),
      ...places(1, {
        'blob, a certificate with its chain': ['a chain that is allowed', 'an attestation’s chain that is allowed'],
      }),
    ],
  },
  {
    cosign: 'stores what a log or a timestamp authority answers unread where flags name it and a key signs',
    here: 'holds it against the trusted root, and ends with 12 when it does not hold, or with 1 when it is no entry at all',
    why: 'an entry that nobody can verify is found out by the one who can have another made',
    places: [
      ...places(12, {
        'log that nobody has to trust, for a key': ['signed', 'a blob'],
      }),
      // What a log of version 1 is sent of an envelope is not yet the entry that it answers with.
      ...places(1, { 'log that nobody has to trust, for a key': ['signed in a bundle', 'an attestation'] }),
      ...places(10, {
        'log that nobody has to trust, for a key': ['verified', 'the bundle, verified', 'without the log'],
      }),
    ],
  },
  {
    cosign: 'signs with a fresh certificate although neither a log nor a timestamp authority will tell when that was',
    here: 'refuses to: 1',
    why: 'when the certificate has ended, ten minutes later, nobody can verify it any more',
    places: places(1, { 'log of version 2': ['with neither log nor timestamp authority'] }),
  },
  {
    cosign: 'waits, where there is neither a terminal nor a token, for somebody who logs in on another device',
    here: 'ends with 1, and says of each way to a token why it is closed; `--fulcio-auth-flow device` waits',
    why: 'in a job that has lost its token nobody is there who could log in, and its time runs out',
    places: [
      ...places(1, { 'nobody at a terminal, and no token': ['signed'] }),
      ...places(false, { 'nobody at a terminal, and no token': ['what is to be done', 'what is said of it'] }),
      ...places(10, { 'nobody at a terminal, and no token': ['verified'] }),
    ],
  },
  {
    cosign: 'attaches whatever the file of `--rekor-response` says to be the log’s promise',
    here: 'reads it first, and ends with 1 when it is none',
    why: 'a signature with an entry that cannot be read is none for those who demand one',
    places: [
      ...places(1, { 'signature with the answer of a log, attached': ['an answer of no log'] }),
      ...places(false, { 'signature with the answer of a log, attached': ['what is stored of it'] }),
      ...places(10, { 'signature with the answer of a log, attached': ['with an entry that is none', 'without it'] }),
    ],
  },
  {
    cosign: 'asks before it replaces a private key, and replaces a public key without a word',
    here: 'replaces neither: 1; `import-key-pair --yes` does',
    why: 'a key that is gone has signatures that nobody can verify any more',
    places: [
      ...places(1, {
        'key pair, made where there is one': ['yes', 'imported over it, asked'],
        'key of a key service': ['over another public key'],
        'key pair in a secret of a cluster': ['beside another public key'],
      }),
      ...places(true, { 'key pair, made where there is one': ['it is another'] }),
    ],
  },
  {
    cosign:
      'writes the public half of a key pair that lives elsewhere for its owner alone, and says which secret it made',
    here: 'writes it for everybody to read, as that of any other pair, and says where the private half is',
    why: 'it is the half that is given away',
    places: [
      ...places(0o644, { 'key pair in a secret of a cluster': ['the mode of the public key'] }),
      ...places(/^\["Private key made at k8s:/, { 'key pair in a secret of a cluster': ['what is said of it'] }),
    ],
  },
  {
    cosign: 'ends with 1 when a tag to sign does not exist',
    here: 'ends with 11, as `verify` does',
    why: 'the same answer has the same code everywhere',
    places: places(11, { 'image, by tag and by digest': ['signing a tag that does not exist'] }),
  },
  {
    cosign: 'ends with 1 when the registry, or the server of a key, cannot be asked',
    here: 'ends with 23',
    why: 'not to know is neither "unsigned" nor "wrong"',
    places: places(23, {
      'image, by tag and by digest': ['a registry that is not there'],
      'key at a URL': ['gone'],
      'registry whose certificate nobody knows': [
        'signing',
        'verifying',
        'an attestation',
        'an attestation, not allowed',
      ],
      'image, timestamped and not logged': ['an authority that is not there'],
      'timestamp authority that asks for a certificate': [
        'without a certificate',
        'an authority that is not believed',
        'a certificate of one’s own, and none for the authority',
        'a blob without a certificate',
      ],
      'timestamp authority that asks for a certificate, of a signing config': [
        'without a certificate',
        'a certificate of one’s own, and none for the authority',
        'a blob without a certificate',
      ],
      'key of a key service': ['a key that there is not'],
    }),
  },
  {
    cosign: 'ends with 1 when the image has no attestation of the type',
    here: 'ends with 10, as for an image without a signature, and names the types that there are',
    why: 'what is not there is another answer than what does not verify',
    places: [
      ...places(10, {
        'attestations, by their types': ['none of the type'],
        'log of version 2': ['of another type'],
        'attestation, saved and loaded': ['of another type'],
      }),
      ...places([10, 0], { 'attestations, by their types': ['download, none of the type'] }),
    ],
  },
  {
    cosign: 'decides by the first image how all are verified: a later one without a signature ends with 1',
    here: 'decides image by image: 10',
    why: 'the order of arguments means nothing',
    places: places(10, { 'images, one command': ['one of two is signed'] }),
  },
  {
    cosign: 'takes a pattern that matches a part of an identity or issuer for a match',
    here: 'wants the pattern to match the whole, and prints the one that would',
    why: '`https://github.com/org/` is also a part of `https://evil.example/?https://github.com/org/`',
    places: places(12, {
      'image, another identity': ['a pattern for a part', 'a pattern for a part of the issuer'],
      'blob, keyless': ['a part of it'],
    }),
  },
  {
    cosign: 'takes whatever is signed and refers to the image, an SBOM for instance, for a signature of it',
    here: 'counts signatures only: 10',
    why: 'to have described an image is not to have approved of it',
    places: places(10, { 'image, an attestation and no signature': ['as a signature'] }),
  },
  {
    cosign: 'prints of a signature what was asked for: claims checked, log entry found, certificate trusted',
    here: 'prints who signed, and each check with what it found',
    why: 'a list that is the same for every signature tells nothing about this one',
    places: [
      ...places(/identity .*dev@example\.test/, { 'image, keyless': ['stderr of verify'] }),
      ...places(/[0-9a-f]{16}/, { 'image, key pair': ['the last check'] }),
      ...places(/[0-9a-f]{16}/, { 'blob, key pair': ['verified'] }),
      ...places(/^(?! {2}- )/, { 'image, annotations': ['the first check'] }),
    ],
  },
  {
    cosign: 'prints while it signs that it generates keys, signs and pushes',
    here: 'prints who signed, the log entry, and the `verify` command and the policy for exactly this identity',
    why: 'the next step is the one that is usually got wrong',
    places: [
      ...places(/sealwright verify --certificate-identity dev@example\.test/, { 'image, keyless': ['stderr of sign'] }),
      ...places(/sealwright verify --key /, { 'image, key pair': ['stderr of sign'] }),
      ...places(/sealwright verify-blob /, { 'blob, key pair': ['stderr of sign-blob'] }),
      ...places(/./, { 'image, signatures elsewhere': ['what is said of it'] }),
    ],
  },
  {
    cosign: 'prints for a bundle neither certificate, time nor log entry in its JSON, and an empty line before it',
    here: 'adds them, beside the fields that cosign has',
    why: 'programs that read cosign’s fields find them, and what was proven is not lost',
    places: places(/"critical":.*dev@example\.test/, {
      'image, keyless': ['stdout of verify', '-o text'],
      'image, annotations': ['stdout'],
      'image, by tag and by digest': ['stdout, by tag'],
    }),
  },
  {
    cosign: 'refuses `sign-blob` and `attest-blob` without `--bundle`',
    here: 'writes the bundle to stdout',
    why: 'nothing is lost, and it can be piped',
    places: places(0, {
      'blob, key pair': ['no bundle at all'],
      'values that are none, and one too many': ['no bundle'],
    }),
  },
  {
    cosign: 'signs several files into one bundle, of which the last one is left',
    here: 'refuses to: 1',
    why: 'the signatures of the others would be lost without a word',
    places: places(1, { 'values that are none, and one too many': ['two files and one bundle'] }),
  },
  {
    cosign:
      'passes over a bundle, or the whole list of them, that the registry does not hand over, in silence: the image then has no signature, or only the others. Called as `cosign`, a line on stderr says so',
    here: 'ends with what kept the registry from being asked: 1 for a refusal, 23 for a failure',
    why: 'not to know is neither "unsigned" nor "signed by the others alone"',
    places: [
      ...places(1, {
        'bundles that the registry lists and does not hand over': [
          'the only one',
          'its tree',
          'its manifest',
          'the list of all',
          'one of two',
        ],
        'signatures under a tag that the registry does not hand over': ['the only one', 'the other', 'the one'],
      }),
      ...places([1, 0, false], { 'bundles that the registry lists and does not hand over': ['the tree without it'] }),
      ...places(false, { 'bundles that the registry lists and does not hand over': ['one of two, printed'] }),
      ...places([1, 0], { 'bundles that the registry lists and does not hand over': ['one of two, downloaded'] }),
      ...places([1, ''], { 'bundles that the registry lists and does not hand over': ['an attestation, downloaded'] }),
    ],
  },
  {
    cosign:
      'passes over authorities in files (`--ca-roots`, `--ca-intermediates`, `--certificate-chain`, `--timestamp-certificate-chain`) beside `--trusted-root`, and does not open them; for a bundle it refuses them. Called as `cosign`, a line on stderr says so',
    here: 'takes them in place of the trusted root’s, for whatever format',
    why: 'who names an authority means it',
    places: [
      ...places(0, { 'authorities in files, beside a trusted root': ['roots', 'a chain'] }),
      ...places(1, {
        'authorities in files, beside a trusted root': ['roots that are not there', 'intermediates alone'],
      }),
      ...places(12, { 'authorities in files, beside a trusted root': ['a bundle, and roots', 'a blob, and roots'] }),
    ],
  },
  {
    cosign: 'says of a digest that the registry does not have that it has no signature: 10',
    here: 'ends with 11, as for a tag that is not there',
    why: 'of an image that was deleted the signatures are gone as well; nothing says that it had none',
    places: places(11, { 'image, by tag and by digest': ['a digest that does not exist'] }),
  },
  {
    cosign: 'reads `--oidc-provider` only where a provider is asked: not beside a token, nor where none offers one',
    here: 'refuses a name that it does not know: 1',
    why: 'a mistyped provider must not become another one’s token',
    places: [
      ...places(1, { 'a provider of tokens that there is not': ['with a token'] }),
      ...places(true, {
        'a provider of tokens that there is not': ['where there is none at all, it is not what is complained of'],
      }),
    ],
  },
  {
    cosign: 'prints the head of a `tree` before it looks for the image, and ends with 1 when there is none',
    here: 'prints nothing, and ends with 11, as `verify` does',
    why: 'what is on stdout is the result',
    places: [
      ...places([11, ''], { 'tree of what is not there, or has nothing': ['a tag'] }),
      ...places(false, { 'tree of what is not there, or has nothing': ['where it ends'] }),
    ],
  },
  {
    cosign: 'attaches signatures and attestations to an image that they are not about, and payloads that are none',
    here: 'refuses to: 12, or 1 for what cannot be read',
    why: 'it would verify nowhere, and its place tells something else',
    places: [
      ...places(12, { 'signature of another image, attached': ['attached', 'a bundle', 'an attestation'] }),
      ...places(10, {
        'signature of another image, attached': ['verified', 'what is no payload, verified', 'a bundle, verified'],
      }),
      ...places(false, { 'signature of another image, attached': ['what is stored'] }),
      ...places(1, { 'signature of another image, attached': ['what is no payload'] }),
    ],
  },
  {
    cosign: 'takes the signature to attach from a file alone, or through a pipe',
    here: 'takes the base64 itself as well',
    why: 'a signature is a line of text, which scripts have at hand',
    places: places(0, { 'signature of another image, attached': ['a signature that is no file'] }),
  },
  {
    cosign: 'takes any `--output` that it does not know for `json`',
    here: 'refuses it: 1',
    why: 'who asked for another form would read the wrong one',
    places: places(1, { 'values that are none, and one too many': ['an output that there is not'] }),
  },
  {
    cosign: 'attaches nothing, and ends with 0, when no attestation is given',
    here: 'refuses to: 1',
    why: 'a script with an empty variable would go on without its attestation',
    places: places(1, { 'values that are none, and one too many': ['nothing to attach'] }),
  },
  {
    cosign: 'passes over a variable such as `COSIGN_YES` whose value is neither yes nor no',
    here: 'refuses it',
    why: 'a mistyped switch must not silently mean its opposite',
    places: places(1, { 'flags from the environment': ['nonsense for a boolean'] }),
  },
  {
    cosign: 'prints an error twice, in its own words',
    here: 'prints it once: code, what was found, what was expected, the command that mends it',
    why: 'the code is for programs, the rest for whoever has to act',
    places: [
      ...places(/USAGE_BAD_FLAG/, {
        'command lines that are wrong': ['an unknown flag', 'no image', 'two files', 'no value', 'an unknown command'],
      }),
      ...places(/USAGE_NO_IDENTITY/, { 'command lines that are wrong': ['nobody to verify by'] }),
      ...places(false, { 'log of version 2': ['in which words'] }),
    ],
  },
  {
    cosign: 'warns of a flag with one dash that it will go',
    here: 'says what it is taken for',
    why: 'the old spelling goes on working',
    places: [
      ...places(/^! -cert-identity is taken for --cert-identity$/, { 'flags under other names': ['the warning'] }),
      ...places([0, false], { 'flags under other names': ['deprecated'] }),
    ],
  },
];

/**
 * What cosign itself gets wrong, and is not done when Sealwright is called as cosign either: nothing that works with cosign ends
 * otherwise, and nothing is said to be proven that is not.
 */
export const KEPT_DIFFERENCES: readonly Difference[] = [
  {
    cosign:
      'loads the manifest of a bundle before the bundle: a registry that looks for what a manifest names, as distribution and ours do, refuses it, and `load` ends with 1',
    here: 'loads what a manifest names before the manifest',
    why: 'the order is free, and only this one works with every registry',
    places: places(0, { 'image, saved in either format and verified as it lies there': ['loaded'] }),
  },
  {
    cosign: 'does not find the bundles of a saved index, and ends with 1',
    here: 'finds them',
    why: 'they are there, and are verified as those of an image are',
    places: places(0, { 'image, saved in either format and verified as it lies there': ['a bundle of an index'] }),
  },
  {
    cosign: 'says of every bundle that its entry in the log was verified, with `--insecure-ignore-tlog` as well',
    here: 'says so where an entry was verified',
    why: 'what was not looked at must not be said to be proven',
    places: places(false, {
      'image, a certificate of one’s own': ['a log entry is said to be proven that nobody demanded'],
    }),
  },
  {
    cosign: 'takes any `--hash` for a digest',
    here: 'refuses what is none: 1',
    why: 'a mistyped digest makes an attestation of something that there is not',
    places: places(1, { 'values that are none, and one too many': ['a digest that is none'] }),
  },
];
