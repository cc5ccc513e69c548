/** Every command that speaks to a registry, as a command line that ends well against a registry that is prepared for it. */

export interface RegistryCommand {
  /** As typed. */
  readonly name: string;
  /** @param host of the registry; @returns what stands behind the name, flags of the registry excepted */
  readonly args: (host: string) => readonly string[];
  /** Whether `--attachment-tag-prefix` changes which tag it reads or writes, and with what flags. */
  readonly readsTags?: readonly string[];
}

/** Made before: signed, attested, with an SBOM, under `:1`. */
const image = (host: string): string => `${host}/app:1`;
const byKey = ['--key', 'cosign.pub', '--insecure-ignore-tlog', '--trusted-root', 'root.json'];
const signing = ['--key', 'cosign.key', '--use-signing-config=false', '--tlog-upload=false', '--yes'];

export const REGISTRY_COMMANDS: readonly RegistryCommand[] = [
  { name: 'sign', args: (host) => [...signing, image(host)] },
  { name: 'attest', args: (host) => [...signing, '--predicate', 'predicate.json', image(host)] },
  { name: 'verify', args: (host) => [...byKey, image(host)], readsTags: [] },
  { name: 'verify-attestation', args: (host) => [...byKey, image(host)], readsTags: [] },
  { name: 'dockerfile verify', args: (host) => [...byKey, `Dockerfile.${host}`], readsTags: [] },
  { name: 'manifest verify', args: (host) => [...byKey, `${host}.yaml`], readsTags: [] },
  { name: 'tree', args: (host) => ['--trusted-root', 'root.json', image(host)], readsTags: [] },
  { name: 'copy', args: (host) => ['--force', image(host), `${host}/copy:1`], readsTags: [] },
  { name: 'save', args: (host) => ['--dir', 'saved-again', image(host)], readsTags: [] },
  { name: 'load', args: (host) => ['--dir', 'saved', `${host}/loaded:1`], readsTags: [] },
  { name: 'clean', args: (host) => ['--force', `${host}/dirty:1`], readsTags: [] },
  { name: 'download signature', args: (host) => [image(host)], readsTags: [] },
  { name: 'download attestation', args: (host) => [image(host)], readsTags: [] },
  { name: 'download sbom', args: (host) => [image(host)], readsTags: [] },
  { name: 'attach signature', args: (host) => ['--signature', 'c2lnbmF0dXJl', image(host)], readsTags: [] },
  { name: 'attach attestation', args: (host) => ['--attestation', 'envelope.json', image(host)], readsTags: [] },
  { name: 'attach sbom', args: (host) => ['--sbom', 'app.spdx.json', image(host)], readsTags: [] },
  { name: 'triangulate', args: (host) => [image(host)] },
  { name: 'generate', args: (host) => [image(host)] },
  { name: 'upload blob', args: (host) => ['-f', 'predicate.json', `${host}/blob:1`] },
  { name: 'upload wasm', args: (host) => ['-f', 'predicate.json', `${host}/wasm:1`] },
];
