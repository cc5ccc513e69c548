/** A folder for PATH with the program of `kms-program.ts` in it, under a name that the plug-in protocol looks for. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';

const PROGRAM = resolve(import.meta.dirname, 'kms-program.ts');

/** @returns the variables with which both cosign and Sealwright find it */
export function installKmsProgram(folder: string, name: string): { PATH: string; KMS_FOLDER: string } {
  const bin = join(folder, 'kms-bin');
  mkdirSync(bin, { recursive: true });
  const path = join(bin, `sigstore-kms-${name}`);
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(path, 0o755);
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}`, KMS_FOLDER: folder };
}
