/** Whose code is inside the published package: licences for people, a bill of materials (CycloneDX) for programs. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../bundle/bundle.ts';

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  readonly licenseText: string;
  /** Subresource integrity of the archive that it came in, from the lock file. */
  readonly integrity: string;
}

const PACKAGE_FOLDER = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/;

/** @param inputs files of the checkout, relative to it */
export function bundledPackages(inputs: readonly string[]): readonly BundledPackage[] {
  const folders = new Set(inputs.flatMap((path) => PACKAGE_FOLDER.exec(path)?.[0] ?? []));
  const lock = read('package-lock.json') as { packages: Record<string, { integrity?: string }> };
  return [...folders].sort().map((folder) => {
    const { name, version, license } = read(join(folder, 'package.json')) as {
      readonly name: string;
      readonly version: string;
      readonly license?: string;
    };
    const licenseText = licenseOf(folder);
    if (license === undefined || licenseText === undefined) {
      throw new Error(`${folder} does not say how it is licensed`);
    }
    const { integrity = '' } = lock.packages[folder] ?? {};
    return { name, version, license, licenseText, integrity };
  });
}

/** In a file of its own, or at the end of the README. */
function licenseOf(folder: string): string | undefined {
  const files = readdirSync(join(ROOT, folder));
  const read = (pattern: RegExp): string => {
    const file = files.find((candidate) => pattern.test(candidate));
    return file === undefined ? '' : readFileSync(join(ROOT, folder, file), 'utf8');
  };
  const text =
    read(/^licen[cs]e/i).trim() || (/^#+ *licen[cs]e\b.*?\n([^#]*)$/ims.exec(read(/^readme/i))?.[1] ?? '').trim();
  return text === '' ? undefined : text;
}

export function noticesOf(packages: readonly BundledPackage[]): string {
  const parts = packages.map(
    ({ name, version, license, licenseText }) => `${name} ${version} (${license})\n\n${licenseText}\n`,
  );
  return ['The files of this package contain code of these packages:\n', ...parts].join(`\n${'-'.repeat(78)}\n\n`);
}

/** CycloneDX 1.6. Without a time and a serial number: the same sources make the same package. */
export function billOfMaterials(packages: readonly BundledPackage[], version: string): object {
  const purl = (name: string, of: string): string => `pkg:npm/${name.replace('@', '%40')}@${of}`;
  const root = purl('sealwright', version);
  const components = packages.map(({ name, version: of, license, integrity }) => ({
    type: 'library',
    'bom-ref': purl(name, of),
    name,
    version: of,
    purl: purl(name, of),
    licenses: [{ license: { id: license } }],
    hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex') }],
  }));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: 'sealwright',
        version,
        purl: root,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
    dependencies: [{ ref: root, dependsOn: components.map(({ purl: ref }) => ref) }],
  };
}

function read(path: string): unknown {
  if (!existsSync(join(ROOT, path))) throw new Error(`${path} is missing`);
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as unknown;
}
