import { fileSystem } from './file-system.ts';

/** Of the package that this is a part of: from sources and from bundles its description is as far away. */
export function packageVersion(): string {
  const text = fileSystem.readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
