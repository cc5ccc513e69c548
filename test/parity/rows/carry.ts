/** What carries images, shows what belongs to them, and puts it there or takes it away. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const interop = testsIn('test/cli/carry-interop.test.ts');
const carrying = testsIn('test/workflows/image-carrying.test.ts');
const attachments = testsIn('test/cli/attachments-interop.test.ts');
const older = testsIn('test/cli/attachments-older.test.ts');
const attestations = testsIn('test/cli/verify-attestation.test.ts');

const deprecated = testsIn('test/parity/deprecated-flags.test.ts');
const flagTests = testsIn('test/parity/carry-flags.test.ts');

/** Of a table of command lines, each of which names its flag. */
function flagRows(commands: readonly string[], flags: string): readonly CommandRow[] {
  return flags
    .split(' ')
    .flatMap((flag) => commands.flatMap((command) => rows('same', [command], flag, flagTests(`${command} --${flag}`))));
}

export const CARRY_ROWS: readonly CommandRow[] = [
  ...rows('same', ['tree'], '', interop('tree: with --compat cosign, the lines of the other')),
  ...rows(
    'same',
    ['tree'],
    'registry-referrers-mode experimental-oci11',
    deprecated('${command} --${flag} is said to be deprecated, and changes nothing'),
    'every format is shown, whatever they say',
  ),
  ...rows(
    'same',
    ['generate', 'upload blob', 'upload wasm'],
    'attachment-tag-prefix',
    deprecated('${command} --${flag} is said to be deprecated, and changes nothing'),
    'no tag of an attachment is read or written',
  ),
  ...rows(
    'safer',
    ['copy'],
    '',
    interop('copy: to a registry without the referrers API and back, nothing is lost'),
    'everything that refers to the image is copied too, which cosign leaves behind',
  ),
  ...rows('same', ['copy'], 'only', carrying('--only: these kinds, the image by its digest, and no tag for it')),
  ...rows('same', ['copy'], 'platform', carrying('--platform copies one image of the index, under the tag')),
  ...rows(
    'same',
    ['copy'],
    'force',
    carrying('another image under the tag: USAGE_WOULD_OVERWRITE, and nothing is pushed; -f replaces it'),
  ),
  ...flagRows(['copy'], 'sig-only'),
  ...rows('same', ['save'], ' dir', interop('save: the other verifies the folder, and loads it')),
  ...rows('same', ['load'], ' dir', interop('load: a folder that the other saved, with its signature')),
  ...rows('same', ['clean'], '', attachments("clean: each removes the other's signatures")),
  ...rows('same', ['clean'], 'force', attachments("clean: each removes the other's signatures")),
  ...flagRows(['clean'], 'type'),
  ...rows('same', ['download attestation'], ' predicate-type', attestations('download attestation')),
  ...flagRows(['download attestation', 'download sbom'], 'platform'),
  ...rows(
    'same',
    ['download sbom', 'attach sbom'],
    '',
    attachments('sbom: attached by either, downloaded by the other'),
  ),
  ...rows(
    'same',
    ['attach sbom'],
    'registry-referrers-mode sbom',
    attachments('sbom: attached by either, downloaded by the other'),
  ),
  ...flagRows(['attach sbom'], 'type input-format'),
  ...rows(
    'same',
    ['download signature', 'attach signature'],
    '',
    older('a signature attached with its payload, or with the usual one, verifies, and comes back as it was'),
  ),
  ...rows(
    'same',
    ['attach signature'],
    'signature payload',
    older('a signature attached with its payload, or with the usual one, verifies, and comes back as it was'),
  ),
  ...flagRows(['attach signature'], 'bundle certificate certificate-chain rekor-response tsr'),
  ...rows(
    'same',
    ['attach attestation'],
    ' attestation',
    older('attach and download: what one attaches the other verifies; the same JSON'),
  ),
  ...rows(
    'same',
    ['triangulate', 'generate'],
    '',
    attachments('triangulate and generate: the same text, byte for byte'),
  ),
  ...rows('same', ['triangulate'], 'type', attachments('triangulate and generate: the same text, byte for byte')),
  ...rows('same', ['generate'], 'annotations', attachments('triangulate and generate: the same text, byte for byte')),
  ...rows('same', ['upload blob', 'upload wasm'], '', attachments('upload blob and wasm: the same layers and types')),
  ...rows(
    'same',
    ['upload blob'],
    'annotation ct files',
    attachments('upload blob and wasm: the same layers and types'),
  ),
  ...rows('same', ['upload wasm'], 'file', attachments('upload blob and wasm: the same layers and types')),
  ...rows(
    'same',
    ['attach', 'download', 'upload', 'dockerfile', 'manifest'],
    '',
    testsIn('test/parity/command-families.test.ts')('the same page for the word'),
  ),
];
