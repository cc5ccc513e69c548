import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { equalBytes } from '../../core/encoding/bytes.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { IntegrityError } from '../../errors.ts';
import { writeDurableFile } from '../../io/files/durable-file.ts';

/**
 * Certificate chains of a stack, one PEM file each, issued when first asked for and then kept: a trusted root that names
 * one must find it again.
 */
export class CertificateStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @param key of the first certificate
   * @throws IntegrityError STATE_CORRUPT when the kept chain is for another key; FormatError when it does not parse
   */
  async chain(name: string, key: PublicKey, issue: () => readonly Certificate[]): Promise<readonly Certificate[]> {
    const path = join(this.#folder, `${name}.pem`);
    if (!existsSync(path)) {
      await writeDurableFile(
        path,
        issue()
          .map((certificate) => certificate.toPem())
          .join(''),
      );
    }
    const chain = Certificate.allFromPem(readFileSync(path, 'utf8'));
    const [leaf] = chain;
    if (leaf !== undefined && equalBytes(leaf.publicKey.id, key.id)) return chain;
    throw new IntegrityError('STATE_CORRUPT', `the certificate chain ${name}.pem is not for the key that is kept`, {
      found: leaf === undefined ? 'no certificate' : 'a certificate for another key',
      expected: `one for keys/${name}.pem`,
      fix: 'restore the folder from a copy whose keys and certificates were taken together',
    });
  }
}
