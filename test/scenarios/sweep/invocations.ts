/** Small command lines: of each command one that ends well, and those that differ from it in one thing. */
import type { Flag } from '../../../src/cli/grammar/flag.ts';
import { GLOBAL_FLAGS } from '../../../src/cli/grammar/flag.ts';
import { findCommand } from '../../../src/cli/command-table.ts';
import { keptCommandLine } from '../../parity/cosign-command-line.ts';
import { BASE_COMMANDS, OLDER_COMMANDS, type BaseCommand } from './base-commands.ts';

export interface Invocation {
  /** The command and what is different: its name in tables, and nobody else's. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly input?: string;
}

const IMAGES: Readonly<Record<string, string>> = {
  'a tag that is not there': 'HOST/app:none',
  'a repository that is not there': 'HOST/none:1',
  'a digest that is not there': `HOST/app@sha256:${'a'.repeat(64)}`,
  'half a digest': 'HOST/app@sha256:abcd',
  'a tag': 'HOST/app:1',
  'signatures of before bundles': 'OLDER',
  'signatures in both storages': 'MIXED',
  'an image of the index': 'HOST/app@CHILD',
  'an image with nothing': 'HOST/bare:1',
  'two colons': 'HOST/app:1:2',
  'a URL': 'http://HOST/app:1',
  capitals: 'HOST/App:1',
  nothing: '',
  'a blank': 'a b',
};

const FILES: Readonly<Record<string, string>> = {
  'no such file': 'none',
  'an empty file': 'empty',
  'a folder': 'folder',
  'what is something else': 'junk.txt',
};

const TEXTS: Readonly<Record<string, string>> = { 'an empty value': '', 'a wrong value': 'bogus' };

/** Flags that twenty commands share: each is tried in a quarter of them, others in half of theirs. */
const SHARED =
  /^(registry-|allow-|k8s-keychain|attachment-tag-prefix|timestamp-client|oidc-|fulcio-|certificate-github)/;
/** They would wait for somebody, for time to pass, or for a log that everybody has. */
const WAITING = /^(timeout|verbose|fulcio-auth-flow|sk|slot|kms|insecure-ignore-tlog)$/;
const FILE_FLAG = /FILE|DIR|KEY|PATH/;
/** What there is of files under names that say something else. */
const FILE_NAMES =
  /^(key|certificate|certificate-chain|bundle|predicate|statement|payload|signature|sbom|attestation|trusted-root|signing-config|policy|file|files|artifact|root|dir|tsr|sct|ca-roots|ca-intermediates|rfc3161-timestamp|base-config|timestamp-certificate-chain|rekor-response|identity-token)$/;

/**
 * In an order that does not change.
 *
 * @param isWhole each flag with everything that can be wrong with it; by default with one such thing, another one in each command
 */
export function invocations(isWhole = false): readonly Invocation[] {
  const all = [
    ...BASE_COMMANDS.flatMap((base) => ofCommand(base, isWhole)),
    ...OLDER_COMMANDS.flatMap((base) => ofOlder(base)),
    ...CONTRADICTIONS,
  ];
  const names = new Set(all.map(({ name }) => name));
  if (names.size !== all.length) throw new Error('two invocations have one name');
  return all;
}

function ofOlder(base: BaseCommand): readonly Invocation[] {
  return operandsOf(base).map((invocation) => ({ ...invocation, name: `${invocation.name}, older storage` }));
}

function ofCommand(base: BaseCommand, isWhole: boolean): readonly Invocation[] {
  const { name, flags, operands } = base;
  const words = name.split(' ');
  const make = (what: string, ...args: readonly string[]): Invocation => ({
    name: `${name}: ${what}`,
    command: name,
    args: [...words, ...args],
  });
  return [
    make('as it should be', ...flags, ...operands),
    make('no operand', ...flags),
    make('one operand more', ...flags, ...operands, 'junk.txt'),
    make('an unknown flag', '--bogus', ...flags, ...operands),
    ...pairs(flags)
      .filter(([flag = '']) => !(base.needs ?? []).includes(flag))
      .map(([flag = '', value]) => {
        const rest = pairs(flags).filter(([other, given]) => other !== flag || given !== value);
        return make(`without ${flag}${flag.includes('=') ? '' : ' '}`.trimEnd(), ...rest.flat(), ...operands);
      }),
    ...operandsOf(base),
    ...flagsOf(base, isWhole),
  ].filter(({ name: text }, index, list) => list.findIndex((other) => other.name === text) === index);
}

function operandsOf({ name, flags, operands, operand }: BaseCommand): readonly Invocation[] {
  if (operand === undefined) return [];
  const others = operand === 'image' ? (WRITES.test(name) ? scratch(IMAGES) : IMAGES) : FILES;
  const made = Object.entries(others).map(([what, value]) => ({
    name: `${name}: ${what}`,
    command: name,
    args: [...name.split(' '), ...flags, value, ...operands.slice(1)],
  }));
  if (operand === 'image') return made;
  const piped = { name: `${name}: nothing through a pipe`, command: name, args: [...name.split(' '), ...flags, '-'] };
  return [...made, piped, { ...piped, name: `${name}: a text through a pipe`, input: 'a text' }];
}

/** What writes has repositories of its own: others are asked for what is in theirs. */
const WRITES = /^(sign|attest|load|clean|attach|upload)/;

function scratch(images: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const named = Object.entries(images).filter(([, image]) => !/^(OLDER|MIXED)$/.test(image));
  return Object.fromEntries(
    named.map(([what, image]) => [what, image.replace(/HOST\/(app|bare|none)/, 'HOST/scratch-$1').replace('-app', '')]),
  );
}

function flagsOf(base: BaseCommand, isWhole: boolean): readonly Invocation[] {
  const { name, flags, operands } = base;
  const known = keptCommandLine().commands[name];
  const entry = findCommand(name);
  if (known === undefined || entry === undefined) throw new Error(`cosign has no ${name}`);
  const theirs = new Set([...known.flags, ...known.hidden]);
  const made: Invocation[] = [];
  for (const [index, flag] of declaredFlags(name).entries()) {
    if (!theirs.has(flag.name) || WAITING.test(flag.name)) continue;
    const values = valuesOf(flag);
    const turn = (index + hash(name)) % (values.length * (SHARED.test(flag.name) ? 4 : 2));
    const chosen = isWhole ? values : values.slice(turn, turn + 1);
    for (const [what, value] of chosen) {
      const rest = pairs(flags).filter(([other]) => other !== `--${flag.name}`);
      const given = value === undefined ? [] : [`--${flag.name}=${value}`];
      const last = value === undefined ? [`--${flag.name}`] : [];
      made.push({
        name: `${name}: --${flag.name}, ${what}`,
        command: name,
        args: [...name.split(' '), ...given, ...rest.flat(), ...operands, ...last],
      });
    }
  }
  return made;
}

function declaredFlags(name: string): readonly Flag[] {
  return [...(TABLE.get(name) ?? []), ...GLOBAL_FLAGS.filter((flag) => flag.name === 'output-file')];
}

const TABLE = new Map<string, readonly Flag[]>();

/** The flags of a command are known once it is loaded. */
export async function loadFlags(): Promise<void> {
  for (const { name } of BASE_COMMANDS) {
    const entry = findCommand(name);
    if (entry === undefined) throw new Error(`there is no ${name}`);
    TABLE.set(name, (await entry.load()).flags);
  }
}

function valuesOf(flag: Flag): readonly (readonly [what: string, value: string | undefined])[] {
  if (flag.kind === 'boolean')
    return [
      ['neither yes nor no', 'maybe'],
      ['yes', 'true'],
      ['no', 'false'],
    ];
  const others = FILE_NAMES.test(flag.name) || FILE_FLAG.test(flag.value ?? '') ? FILES : TEXTS;
  return [...Object.entries(others), ['no value', undefined]];
}

function hash(name: string): number {
  return Buffer.from(name).reduce((sum, byte) => sum + byte, 0);
}

/** Flags with their values: those that stand alone have none. */
function pairs(flags: readonly string[]): readonly (readonly string[])[] {
  const found: string[][] = [];
  for (const word of flags) {
    const last = found.at(-1);
    if (word.startsWith('--') || last === undefined) found.push([word]);
    else last.push(word);
  }
  return found;
}

/** Words that do not go together, and outputs. */
const CONTRADICTIONS: readonly Invocation[] = [
  ...[
    'verify --key cosign.pub --certificate-identity a --certificate-oidc-issuer b IMAGE',
    'verify --key cosign.pub --certificate leaf.pem IMAGE',
    'verify --certificate-identity a IMAGE',
    'verify --certificate-oidc-issuer b IMAGE',
    'verify --certificate-identity-regexp ( --certificate-oidc-issuer b IMAGE',
    'verify --key other.pub --insecure-ignore-tlog IMAGE',
    'verify --key cosign.key IMAGE',
    'verify --insecure-ignore-tlog --key cosign.pub IMAGE HOST/bare:1',
    'verify --insecure-ignore-tlog --key cosign.pub HOST/bare:1 IMAGE',
    'verify --insecure-ignore-tlog --key cosign.pub -a team=shop OLDER',
    'verify --insecure-ignore-tlog --key cosign.pub -a team OLDER',
    'verify --insecure-ignore-tlog --key cosign.pub MIXED',
    'verify --insecure-ignore-tlog --key cosign.pub OLDER IMAGE',
    'verify --insecure-ignore-tlog --key cosign.pub IMAGE OLDER',
    'verify --insecure-ignore-tlog --key other.pub OLDER',
    'verify --insecure-ignore-tlog --key cosign.pub -o json OLDER',
    'verify --insecure-ignore-tlog --key cosign.pub -o text OLDER',
    'verify --insecure-ignore-tlog --key cosign.pub -o json IMAGE',
    'verify --insecure-ignore-tlog --key cosign.pub -o text IMAGE',
    'verify --insecure-ignore-tlog --key cosign.pub --local-image saved',
    'verify --insecure-ignore-tlog --key cosign.pub --local-image none',
    'verify --insecure-ignore-tlog --key cosign.pub --local-image folder',
    'verify-attestation --insecure-ignore-tlog --key cosign.pub --type spdxjson IMAGE',
    'verify-attestation --insecure-ignore-tlog --key cosign.pub --type https://example.test/x IMAGE',
    'verify-attestation --insecure-ignore-tlog --key cosign.pub --local-image saved',
    'verify-blob --key cosign.pub --insecure-ignore-tlog --signature blob.sig blob.txt',
    'verify-blob --key cosign.pub --insecure-ignore-tlog --signature blob.sig --bundle blob.json blob.txt',
    'verify-blob --key cosign.pub --insecure-ignore-tlog --bundle blob.json other.txt',
    'verify-blob --key other.pub --insecure-ignore-tlog --bundle blob.json blob.txt',
    'verify-blob --key cosign.pub --insecure-ignore-tlog --bundle attested.json blob.txt',
    'verify-blob --key cosign.pub --insecure-ignore-tlog blob.txt',
    'verify-blob --bundle blob.json blob.txt',
    'verify-blob-attestation --key cosign.pub --insecure-ignore-tlog --bundle blob.json blob.txt',
    'verify-blob-attestation --key cosign.pub --insecure-ignore-tlog --bundle attested.json other.txt',
    'verify-blob-attestation --key cosign.pub --insecure-ignore-tlog --bundle attested.json --type slsaprovenance blob.txt',
    'verify-blob-attestation --key cosign.pub --insecure-ignore-tlog --bundle attested.json --check-claims=false',
    'verify-blob-attestation --key cosign.pub --insecure-ignore-tlog --bundle attested.json --digest abcd',
    'verify-blob-attestation --key cosign.pub --insecure-ignore-tlog --bundle attested.json --digest abcd --digestAlg sha256',
    'sign --yes --use-signing-config=false --key cosign.key FRESH',
    'sign --yes --use-signing-config=true --tlog-upload=false --key cosign.key FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key cosign.key --certificate junk.txt FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key cosign.key --recursive FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key cosign.key --upload=false FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key cosign.key --bundle out.json --upload=false FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key cosign.key -a team=shop FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key cosign.key -a team FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key cosign.pub FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key plain.pem FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key env://NOBODY FRESH',
    'sign --yes --use-signing-config=false --tlog-upload=false --key bogus://x FRESH',
    'sign-blob --yes --use-signing-config=false --tlog-upload=false --key cosign.key blob.txt',
    'sign-blob --yes --use-signing-config=false --tlog-upload=false --new-bundle-format=false --key cosign.key blob.txt',
    'sign-blob --yes --use-signing-config=false --tlog-upload=false --new-bundle-format=false --b64=false --key cosign.key --output-signature out.sig blob.txt',
    'sign-blob --yes --use-signing-config=false --tlog-upload=false --key cosign.key --bundle folder blob.txt',
    'sign-blob --yes --use-signing-config=false --tlog-upload=false --key cosign.key --bundle none/out.json blob.txt',
    'attest --yes --use-signing-config=false --tlog-upload=false --key cosign.key --statement envelope.json FRESH',
    'attest --yes --use-signing-config=false --tlog-upload=false --key cosign.key --predicate predicate.json --statement envelope.json FRESH',
    'attest --yes --use-signing-config=false --tlog-upload=false --key cosign.key --predicate predicate.json --type spdxjson FRESH',
    'attest --yes --use-signing-config=false --tlog-upload=false --key cosign.key --predicate predicate.json --no-upload FRESH',
    'attest-blob --yes --use-signing-config=false --tlog-upload=false --key cosign.key --predicate predicate.json --bundle out.json --hash abcd',
    'attest-blob --yes --use-signing-config=false --tlog-upload=false --key cosign.key --statement envelope.json --bundle out.json',
    'copy --only sig OLDER HOST/copied:2',
    'copy --only bogus OLDER HOST/copied:3',
    'copy --sig-only OLDER HOST/copied:4',
    'copy --platform linux/amd64 OLDER HOST/copied:5',
    'copy --platform bogus OLDER HOST/copied:6',
    'copy OLDER OLDER',
    'triangulate --type attestation IMAGE',
    'triangulate --type sbom IMAGE',
    'triangulate --type digest IMAGE',
    'triangulate --type bogus IMAGE',
    'clean --type bogus --force FRESH',
    'clean --type signature --force FRESH',
    'clean FRESH',
    'download attestation --predicate-type bogus IMAGE',
    'download attestation --platform linux/amd64 IMAGE',
    'download attestation --platform bogus IMAGE',
    'download sbom --platform bogus IMAGE',
    'attach sbom --type bogus --sbom app.spdx.json FRESH',
    'attach sbom --input-format bogus --sbom app.spdx.json FRESH',
    'attach sbom --type cyclonedx --input-format xml --sbom app.spdx.json FRESH',
    'attach attestation --attestation predicate.json FRESH',
    'public-key --key cosign.pub',
    'public-key --key cosign.key --outfile out.pub',
    'public-key',
    'import-key-pair --key cosign.key --output-key-prefix made',
    'import-key-pair --key plain.pem --output-key-prefix folder/made',
    'import-key-pair --key plain.pem --output-key-prefix none/made',
    'generate-key-pair --output-key-prefix none/made',
    'generate-key-pair k8s://x',
    'generate-key-pair bogus://x',
    'generate-key-pair a b',
    'completion bogus',
    'completion',
    'env --show-descriptions=false',
    'version --json',
    'version extra',
    'bogus',
    'download bogus',
    'attach',
    'upload',
    'bundle',
    'trusted-root',
    'signing-config',
    'dockerfile',
    'manifest',
    'debug',
    'bundle create --artifact blob.txt --bundle junk.txt --ignore-tlog',
    'bundle create --artifact blob.txt --ignore-tlog',
    'bundle create --artifact blob.txt --bundle blob.json --signature blob.sig --ignore-tlog',
    'signing-config create --rekor url=https://log.example,api-version=1,operator=test,start-time=2026-01-01T00:00:00Z',
    'signing-config create --fulcio url=https://ca.example',
    'signing-config create --fulcio bogus',
    'trusted-root create --fulcio url=https://ca.example',
    'trusted-root create --rekor url=https://log.example,public-key=cosign.pub',
    'trusted-root create --rekor url=https://log.example,public-key=cosign.pub,start-time=2026-01-01T00:00:00Z',
    'trusted-root create --ctfe url=https://ct.example,public-key=junk.txt,start-time=2026-01-01T00:00:00Z',
    'initialize --mirror MIRROR --root junk.txt',
    'initialize --mirror MIRROR --root ROOT --root-checksum abcd',
    'initialize --mirror http://127.0.0.1:1 --root ROOT',
    'login HOST',
    'login --username u HOST',
    'login --username u --password-stdin HOST',
  ].map((text) => ({ name: text, command: text.split(' --', 1)[0] ?? text, args: text.split(' ') })),
];
