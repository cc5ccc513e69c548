import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import type { KeyKind } from '../../core/crypto/public-key.ts';
import { encodePem } from '../../core/encoding/pem.ts';
import { IntegrityError } from '../../errors.ts';
import { writeDurableFile } from '../../io/files/durable-file.ts';

/**
 * The private keys of an embedded stack, one PEM file each, mode 0600, under `keys/`. A key is made when it is first
 * asked for and never replaced: everything a stack has published refers to it.
 */
export class KeyStore {
  readonly #folder: string;

  /** @param folder exists, mode 0700 */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws IntegrityError STATE_CORRUPT when the file is readable by others or holds another kind of key */
  async key(name: string, kind: KeyKind): Promise<PrivateKey> {
    const path = join(this.#folder, `${name}.pem`);
    if (!existsSync(path)) {
      await writeDurableFile(path, encodePem('PRIVATE KEY', PrivateKey.generate(kind).toPkcs8()));
    }
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new IntegrityError('STATE_CORRUPT', `the key file ${name}.pem is open to other users`, {
        found: `mode ${mode.toString(8)}`,
        expected: 'mode 600',
        fix: `chmod 600 ${path}`,
      });
    }
    const key = PrivateKey.fromPem(readFileSync(path, 'utf8'));
    if (key.kind !== kind) {
      throw new IntegrityError('STATE_CORRUPT', `the key file ${name}.pem holds another kind of key`, {
        found: key.kind,
        expected: kind,
      });
    }
    return key;
  }
}
