import type { CommandGroup } from './grammar/command-entry.ts';

/** What takes images and what belongs to them from place to place, and shows it. */
export const CARRYING: CommandGroup = {
  title: 'Carry and inspect',
  entries: [
    {
      name: 'tree',
      summary: 'what belongs to an image: signatures, attestations, SBOMs; who signed, and whether it holds',
      load: async () => (await import('./commands/tree.ts')).tree,
    },
    {
      name: 'copy',
      summary: 'copy an image with its signatures, attestations and all that refers to it',
      load: async () => (await import('./commands/copy.ts')).copy,
    },
    {
      name: 'save',
      summary: 'write an image with all that belongs to it to a folder',
      isSeldom: true,
      load: async () => (await import('./commands/save.ts')).save,
    },
    {
      name: 'load',
      summary: 'push an image that was saved, with all that belongs to it',
      isSeldom: true,
      load: async () => (await import('./commands/load.ts')).load,
    },
    {
      name: 'clean',
      summary: 'remove what was attached to an image',
      isSeldom: true,
      load: async () => (await import('./commands/clean.ts')).clean,
    },
    {
      name: 'attach sbom',
      summary: 'attach an SBOM to an image, unsigned',
      isSeldom: true,
      load: async () => (await import('./commands/attach-sbom.ts')).attachSbom,
    },
    {
      name: 'download sbom',
      summary: 'print the SBOM that is attached to an image',
      isSeldom: true,
      load: async () => (await import('./commands/download-sbom.ts')).downloadSbom,
    },
    {
      name: 'triangulate',
      summary: 'where the older storage keeps what belongs to an image',
      isSeldom: true,
      load: async () => (await import('./commands/triangulate.ts')).triangulate,
    },
    {
      name: 'generate',
      summary: 'print the simple-signing payload of an image, unsigned',
      isSeldom: true,
      load: async () => (await import('./commands/generate.ts')).generate,
    },
    {
      name: 'upload blob',
      summary: 'push files as an artifact',
      isSeldom: true,
      load: async () => (await import('./commands/upload-blob.ts')).uploadBlob,
    },
    {
      name: 'upload wasm',
      summary: 'push a WebAssembly module as an artifact',
      isSeldom: true,
      load: async () => (await import('./commands/upload-wasm.ts')).uploadWasm,
    },
    {
      name: 'login',
      summary: 'keep credentials for a registry',
      isSeldom: true,
      load: async () => (await import('./commands/login.ts')).login,
    },
    {
      name: 'dockerfile verify',
      summary: 'verify the images that a Dockerfile builds upon',
      isSeldom: true,
      load: async () => (await import('./commands/dockerfile-verify.ts')).dockerfileVerify,
    },
    {
      name: 'manifest verify',
      summary: 'verify the images that a Kubernetes manifest runs',
      isSeldom: true,
      load: async () => (await import('./commands/manifest-verify.ts')).manifestVerify,
    },
  ],
};
