/** Of each command of cosign's, a command line that ends well in a {@link Stand}: what the sweep changes one thing of at a time. */

export interface BaseCommand {
  /** As typed. */
  readonly name: string;
  /** Flags, each with its value, that make it end well. */
  readonly flags: readonly string[];
  /** What stands behind the flags; `IMAGE` is a signed image, `FRESH` one that nobody else has. */
  readonly operands: readonly string[];
  /** What its operand is, where others are tried in its place. */
  readonly operand?: 'image' | 'file';
  /** Flags that cannot be left out one by one: without them somebody is asked to log in, and is waited for. */
  readonly needs?: readonly string[];
}

const ALONE = ['--yes', '--use-signing-config=false', '--tlog-upload=false'];
const UNLOGGED = ['--insecure-ignore-tlog'];
const OLDER = '--new-bundle-format=false';

export const BASE_COMMANDS: readonly BaseCommand[] = [
  { name: 'sign', flags: [...ALONE, '--key', 'cosign.key'], operands: ['FRESH'], operand: 'image', needs: ['--key'] },
  {
    name: 'attest',
    flags: [...ALONE, '--key', 'cosign.key', '--predicate', 'predicate.json'],
    operands: ['FRESH'],
    operand: 'image',
    needs: ['--key'],
  },
  {
    name: 'sign-blob',
    flags: [...ALONE, '--key', 'cosign.key', '--bundle', 'out.json'],
    operands: ['blob.txt'],
    operand: 'file',
    needs: ['--key'],
  },
  {
    name: 'attest-blob',
    flags: [...ALONE, '--key', 'cosign.key', '--predicate', 'predicate.json', '--bundle', 'out.json'],
    operands: ['blob.txt'],
    operand: 'file',
    needs: ['--key'],
  },
  { name: 'verify', flags: [...UNLOGGED, '--key', 'cosign.pub'], operands: ['IMAGE'], operand: 'image' },
  {
    name: 'verify-attestation',
    flags: [...UNLOGGED, '--key', 'cosign.pub'],
    operands: ['IMAGE'],
    operand: 'image',
  },
  {
    name: 'verify-blob',
    flags: [...UNLOGGED, '--key', 'cosign.pub', '--bundle', 'blob.json'],
    operands: ['blob.txt'],
    operand: 'file',
  },
  {
    name: 'verify-blob-attestation',
    flags: [...UNLOGGED, '--key', 'cosign.pub', '--bundle', 'attested.json'],
    operands: ['blob.txt'],
    operand: 'file',
  },
  {
    name: 'dockerfile verify',
    flags: [...UNLOGGED, '--key', 'cosign.pub'],
    operands: ['Dockerfile'],
    operand: 'file',
    needs: UNLOGGED,
  },
  {
    name: 'manifest verify',
    flags: [...UNLOGGED, '--key', 'cosign.pub'],
    operands: ['pod.yaml'],
    operand: 'file',
    needs: UNLOGGED,
  },
  { name: 'generate-key-pair', flags: ['--output-key-prefix', 'made'], operands: [] },
  { name: 'import-key-pair', flags: ['--key', 'plain.pem', '--output-key-prefix', 'made'], operands: [] },
  { name: 'public-key', flags: ['--key', 'cosign.key'], operands: [] },
  { name: 'tree', flags: [], operands: ['IMAGE'], operand: 'image' },
  { name: 'copy', flags: [], operands: ['OLDER', 'HOST/copied:1'], operand: 'image' },
  { name: 'save', flags: ['--dir', 'out'], operands: ['IMAGE'], operand: 'image' },
  { name: 'load', flags: ['--dir', 'saved'], operands: ['HOST/loaded:1'], operand: 'image' },
  { name: 'clean', flags: ['--force'], operands: ['FRESH'], operand: 'image' },
  { name: 'download signature', flags: [], operands: ['IMAGE'], operand: 'image' },
  { name: 'download attestation', flags: [], operands: ['IMAGE'], operand: 'image' },
  { name: 'download sbom', flags: [], operands: ['OLDER'], operand: 'image' },
  {
    name: 'attach signature',
    flags: ['--signature', 'payload.sig', '--payload', 'payload.json'],
    operands: ['FRESH'],
    operand: 'image',
  },
  { name: 'attach attestation', flags: ['--attestation', 'envelope.json'], operands: ['FRESH'], operand: 'image' },
  { name: 'attach sbom', flags: ['--sbom', 'app.spdx.json'], operands: ['FRESH'], operand: 'image' },
  { name: 'triangulate', flags: [], operands: ['IMAGE'], operand: 'image' },
  { name: 'generate', flags: [], operands: ['IMAGE'], operand: 'image' },
  { name: 'upload blob', flags: ['--files', 'blob.txt'], operands: ['HOST/uploaded:1'], operand: 'image' },
  { name: 'upload wasm', flags: ['--file', 'blob.txt'], operands: ['HOST/wasm:1'], operand: 'image' },
  {
    name: 'bundle create',
    flags: ['--artifact', 'blob.txt', '--signature', 'blob.sig', '--key', 'cosign.pub', '--ignore-tlog'],
    operands: [],
  },
  { name: 'bundle inspect', flags: [], operands: ['blob.json'], operand: 'file' },
  { name: 'bundle upgrade', flags: [], operands: ['blob.json'], operand: 'file' },
  {
    name: 'trusted-root create',
    flags: ['--fulcio', 'url=https://ca.example,certificate-chain=chain.pem'],
    operands: [],
  },
  {
    name: 'signing-config create',
    flags: ['--fulcio', 'url=https://ca.example,api-version=1,operator=test,start-time=2026-01-01T00:00:00Z'],
    operands: [],
  },
  { name: 'initialize', flags: ['--mirror', 'MIRROR', '--root', 'ROOT'], operands: [] },
  { name: 'login', flags: ['--username', 'u', '--password', 'p'], operands: ['HOST'] },
  { name: 'env', flags: [], operands: [] },
  { name: 'version', flags: [], operands: [] },
  { name: 'completion', flags: [], operands: ['bash'] },
  { name: 'debug providers', flags: [], operands: [] },
];

/** The same with the storage of before bundles, for the flags that it has. */
export const OLDER_COMMANDS: readonly BaseCommand[] = ['sign', 'attest', 'verify', 'verify-attestation'].map((name) => {
  const base = BASE_COMMANDS.find((command) => command.name === name);
  if (base === undefined) throw new Error(name);
  const operands = base.operands.map((word) => (word === 'IMAGE' ? 'OLDER' : word));
  return { ...base, flags: [OLDER, ...base.flags], operands };
});
