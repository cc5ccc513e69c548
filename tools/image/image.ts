/**
 * Makes the container image that the manifests and the chart run, as an OCI layout that `sealwright load` pushes:
 *   sh tools/node/run tools/image/image.ts --out FOLDER [--without-engines]
 * It needs no container runtime. The digest goes to stdout; docs/admission.md says what comes next.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Descriptor } from '../../src/core/image/descriptor.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { ImageReference } from '../../src/core/image/reference.ts';
import { SealwrightError } from '../../src/errors.ts';
import { findPolicyEngines } from '../../src/io/engines/engine-location.ts';
import { LayoutWriter } from '../../src/io/registry/layout-writer.ts';
import { ROOT } from '../bundle/bundle.ts';
import { architecture, ENGINES, imageConfig, PROGRAM_FOLDER, type ImageFacts } from './image-config.ts';
import { fileEntry, layerOf, treeEntries, type Layer } from './layer.ts';
import { runtimeFiles } from './runtime-files.ts';

try {
  process.stdout.write(`${await make()}\n`);
} catch (error) {
  process.stderr.write(`tools/image: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof SealwrightError) {
    const { found, expected, fix } = error.facts;
    for (const [name, fact] of Object.entries({ found, expected, fix })) {
      if (fact !== undefined) process.stderr.write(`  ${name}: ${fact}\n`);
    }
    if (error.code === 'POLICY_ENGINE_MISSING') {
      process.stderr.write('  or:  --without-engines, for an image that refuses policies in Rego, CUE and CEL\n');
    }
  }
  process.exitCode = 1;
}

/** @returns the digest of the image */
async function make(): Promise<string> {
  const { out, engines } = options();
  const platform = `linux/${architecture()}`;
  const node = pinnedNode();
  // Before anything is made that takes its time.
  const executable = engines ? await findPolicyEngines({ environment: process.env, home: homedir() }) : undefined;
  const layout = await LayoutWriter.open(out);
  const facts = imageFacts();
  const runtime = runtimeFiles(node);
  say(`libraries  ${runtime.libraries.join(', ')}`);
  const layers = [
    layerOf(`Node.js ${facts.runtime} and what it is linked to`, runtime.entries),
    layerOf(`${facts.title} ${facts.version}`, programFiles()),
    ...(executable === undefined ? [] : [layerOf('the policy engines', [fileEntry(ENGINES.slice(1), executable)])]),
  ];
  if (executable === undefined) say('no policy engines: policies in Rego, CUE and CEL will be refused');
  const digest = await write(layout, layers, facts);
  say(`image      ${out}  ${platform}  ${facts.version}`);
  return digest;
}

async function write(layout: LayoutWriter, layers: readonly Layer[], facts: ImageFacts): Promise<string> {
  const name = new ImageReference({ registry: 'localhost', repository: facts.title, tag: facts.version });
  try {
    const described: Descriptor[] = [];
    for (const { about, compressed } of layers) {
      const digest = await layout.putBlob(name, compressed);
      described.push({ mediaType: OCI_LAYER_GZIP, digest, size: compressed.length });
      say(`layer      ${digest.toString()}  ${(compressed.length / 1e6).toFixed(1)} MB  ${about}`);
    }
    const config = imageConfig(layers, facts);
    const manifest = encodeManifest({
      kind: 'image',
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: await layout.putBlob(name, config), size: config.length },
      layers: described,
    });
    const root: Descriptor = { mediaType: OCI_MANIFEST, digest: Digest.of(manifest), size: manifest.length };
    await layout.putManifest(name, root.digest, manifest, OCI_MANIFEST);
    await layout.finish(root, name);
    return root.digest.toString();
  } catch (error) {
    await layout.abandon();
    throw error;
  }
}

function options(): { readonly out: string; readonly engines: boolean } {
  const { values } = parseArgs({ options: { out: { type: 'string' }, 'without-engines': { type: 'boolean' } } });
  if (values.out === undefined) throw new Error('--out FOLDER is missing: where the image is written');
  return { out: resolve(values.out), engines: values['without-engines'] !== true };
}

/** The one that this checkout runs on, which `tools/node/run` starts: any other has not been tested. */
function pinnedNode(): string {
  const path = realpathSync(process.execPath);
  if (path.startsWith(join(realpathSync(ROOT), 'node_modules', 'node-'))) return path;
  throw new Error(`this is another Node.js than the pinned one (${path}); run: npm run image -- --out FOLDER`);
}

function imageFacts(): ImageFacts {
  const { name, description, version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly description: string;
    readonly version: string;
    readonly license: string;
  };
  return { title: name, description, version, license, runtime: process.version };
}

/** The package as it is published. */
function programFiles(): ReturnType<typeof treeEntries> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-image-'));
  try {
    const packed = join(folder, 'package');
    execFileSync(process.execPath, [join(ROOT, 'tools/package/package.ts'), packed], { stdio: ['ignore', 2, 2] });
    return treeEntries(PROGRAM_FOLDER.slice(1), packed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
