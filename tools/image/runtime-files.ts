/**
 * What a program in Node.js needs of a system, and nothing else: the pinned Node.js, the libraries that it is linked to, a
 * user. No shell, no package manager. Authorities for TLS are in Node.js itself (Mozilla's list), so none are copied.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TarEntry } from '../../examples/tar-archive.ts';
import { fileEntry, folderEntry, textEntry } from './layer.ts';

/** As in the manifests (`core/installation/restricted-pod.ts`), and in other images without a user database of their own. */
export const USER = 65_532;
/** What pods may write to, where the manifests put a volume. */
export const HOME = '/var/lib/sealwright';
export const NODE = '/usr/bin/node';

/** Names are looked up by modules that no program is linked to; since glibc 2.34 they are in the C library itself. */
const NAME_SERVICE_LIBRARIES = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'];

const USERS = [
  'root:x:0:0:root:/root:/sbin/nologin',
  'nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin',
  `nonroot:x:${USER}:${USER}:nonroot:${HOME}:/sbin/nologin`,
];
const GROUPS = ['root:x:0:', 'nobody:x:65534:', `nonroot:x:${USER}:`];

export interface Runtime {
  readonly entries: readonly TarEntry[];
  /** Where the libraries came from, for people. */
  readonly libraries: readonly string[];
}

/** @param node absolute path of the executable, linked to a C library of this machine */
export function runtimeFiles(node: string): Runtime {
  const libraries = linkedLibraries(node);
  const packages = packagesOf(libraries);
  return {
    libraries: packages.length > 0 ? packages.map(({ name, version }) => `${name} ${version}`) : libraries,
    entries: [
      fileEntry(NODE.slice(1), node),
      ...libraries.map((path) => ({ ...fileEntry(path.slice(1), path), mode: 0o755 })),
      textEntry('etc/passwd', lines(USERS)),
      textEntry('etc/group', lines(GROUPS)),
      textEntry('etc/nsswitch.conf', lines(['passwd: files', 'group: files', 'hosts: files dns'])),
      folderEntry(`${HOME.slice(1)}/`),
      folderEntry('tmp/', 0o1777),
      // By these scanners of vulnerabilities know what the libraries are: whose release, and which package each is from, in the
      // folder where they look when there is no package manager.
      ...(packages.length === 0 ? [] : releaseFiles()),
      ...packages.flatMap(({ name, record, copyright }) => [
        textEntry(`var/lib/dpkg/status.d/${name}`, record),
        textEntry(`usr/share/doc/${name}/copyright`, copyright),
      ]),
    ],
  };
}

function releaseFiles(): readonly TarEntry[] {
  const names = ['os-release', 'debian_version', 'lsb-release'].filter((name) => existsSync(`/etc/${name}`));
  return names.map((name) => textEntry(`etc/${name}`, readFileSync(`/etc/${name}`, 'utf8')));
}

/** Absolute paths, the loader's among them, as the loader itself finds them. */
function linkedLibraries(executable: string): readonly string[] {
  const listed = execFileSync('ldd', [executable], { encoding: 'utf8' });
  const missing = /^\s*(\S+) => not found$/m.exec(listed)?.[1];
  if (missing !== undefined) throw new Error(`${executable} is linked to ${missing}, which this machine does not have`);
  const linked = [...listed.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path = '']) => path);
  const library = linked.find((path) => path.endsWith('/libc.so.6'));
  if (library === undefined) throw new Error(`${executable} is not linked to the C library of GNU:\n${listed}`);
  const beside = NAME_SERVICE_LIBRARIES.map((name) => join(dirname(library), name)).filter((path) => existsSync(path));
  return [...new Set([...linked, ...beside])].sort();
}

interface SystemPackage {
  readonly name: string;
  readonly version: string;
  readonly record: string;
  readonly copyright: string;
}

/** Debian's packages of these files, and none on a machine of another kind. */
function packagesOf(paths: readonly string[]): readonly SystemPackage[] {
  if (!existsSync('/var/lib/dpkg/status')) return [];
  const names = new Set(paths.map(packageOf));
  return [...names].sort().map((qualified) => {
    const record = execFileSync('dpkg-query', ['-s', qualified], { encoding: 'utf8' });
    const name = qualified.replace(/:.*$/, '');
    return {
      name,
      version: /^Version: (.+)$/m.exec(record)?.[1] ?? '',
      record,
      copyright: readFileSync(`/usr/share/doc/${name}/copyright`, 'utf8'),
    };
  });
}

/** A library may be recorded below `/usr` and found without it, as the one is a link to the other. */
function packageOf(path: string): string {
  for (const spelling of [path, `/usr${path}`, path.replace(/^\/usr/, '')]) {
    try {
      const found = execFileSync('dpkg-query', ['-S', spelling], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return found.slice(0, found.indexOf(': '));
    } catch {
      continue;
    }
  }
  throw new Error(`no package of this machine has ${path}`);
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}
