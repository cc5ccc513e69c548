import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { sha256 } from '../../src/core/crypto/digest.ts';
import { PublicKey } from '../../src/core/crypto/public-key.ts';
import { parseTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import type { Artifact } from '../../src/core/verify/artifact.ts';
import type { SignerPolicy } from '../../src/core/verify/verification-policy.ts';
import { verifyBundle } from '../../src/core/verify/verify-bundle.ts';
import type { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';

const DEFAULT_IDENTITY =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main';
const DEFAULT_ISSUER = 'https://token.actions.githubusercontent.com';

/** A folder of the suite, with the suite's defaults for the files it leaves out. */
export class ConformanceCase {
  readonly #folder: string;
  readonly #productionRoot: string;

  /** @param cases the suite's folder of cases; @param productionRoot path of the public instance's trusted root */
  constructor(cases: string, name: string, productionRoot: string) {
    this.#folder = join(cases, name);
    this.#productionRoot = productionRoot;
  }

  get bundle(): Uint8Array {
    return readFileSync(join(this.#folder, 'bundle.sigstore.json'));
  }

  get trustedRoot(): Uint8Array {
    return this.#optional('trusted_root.json') ?? readFileSync(this.#productionRoot);
  }

  get artifact(): Uint8Array {
    return this.#optional('artifact') ?? readFileSync(join(this.#folder, '../a.txt'));
  }

  get signer(): SignerPolicy {
    const key = this.#optional('key.pub');
    if (key !== undefined) return { kind: 'key', key: PublicKey.fromPem(key.toString()) };
    const subject = this.#optional('identity')?.toString().trim() ?? DEFAULT_IDENTITY;
    const issuer = this.#optional('issuer')?.toString().trim() ?? DEFAULT_ISSUER;
    return {
      kind: 'identities',
      identities: [{ subject: { kind: 'exact', value: subject }, issuer: { kind: 'exact', value: issuer } }],
    };
  }

  /** Files and flags for a command line, with the suite's defaults. */
  get commandLine(): { readonly artifact: string; readonly flags: readonly string[] } {
    const file = (name: string): string | undefined =>
      existsSync(join(this.#folder, name)) ? join(this.#folder, name) : undefined;
    const text = (name: string): string | undefined => this.#optional(name)?.toString().trim();
    const key = file('key.pub');
    const identity = ['--certificate-identity', text('identity') ?? DEFAULT_IDENTITY];
    const issuer = ['--certificate-oidc-issuer', text('issuer') ?? DEFAULT_ISSUER];
    return {
      artifact: file('artifact') ?? join(this.#folder, '../a.txt'),
      flags: [
        ...['--bundle', join(this.#folder, 'bundle.sigstore.json')],
        ...['--trusted-root', file('trusted_root.json') ?? this.#productionRoot],
        ...(key === undefined ? [...identity, ...issuer] : ['--key', key]),
      ],
    };
  }

  /** As the suite's client does it: everything from bytes. */
  verify(input: 'path' | 'digest', bundle = this.bundle): VerifiedBundle {
    const bytes = this.artifact;
    const artifact: Artifact =
      input === 'path' ? { kind: 'bytes', bytes } : { kind: 'digest', algorithm: 'sha256', digest: sha256(bytes) };
    return verifyBundle({
      bundle: parseBundle(bundle),
      artifact,
      trustedRoot: parseTrustedRoot(this.trustedRoot),
      signer: this.signer,
    });
  }

  #optional(file: string): Buffer | undefined {
    const path = join(this.#folder, file);
    return existsSync(path) ? readFileSync(path) : undefined;
  }
}
