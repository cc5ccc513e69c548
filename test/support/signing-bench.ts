/** The services of a {@link SigningWorld} at the present time, and programs that use them: ours, and cosign where it is there. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { encodePem } from '../../src/core/encoding/pem.ts';
import type { Certificate } from '../../src/core/pki/certificate.ts';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot, type TrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { Sandbox, type Ended } from './command-line.ts';
import { signingWorld, unsignedToken, type SigningWorld } from './signing-world.ts';

export const BENCH_PASSWORD = { COSIGN_PASSWORD: 'a password' };

export interface SigningBench {
  readonly world: SigningWorld;
  readonly sandbox: Sandbox;
  /** Files of the working folder: `trusted_root.json`, `signing_config.json`, `token`, and the key pair `cosign.key`. */
  readonly path: (name: string) => string;
  readonly write: (name: string, content: string | Uint8Array) => string;
  readonly read: (name: string) => string;
  readonly ours: (...args: readonly string[]) => Promise<Ended>;
  readonly cosign: (executable: string, ...args: readonly string[]) => Promise<Ended>;
  /** cosign with each key of the instance in a file of its own, as its verification of older formats wants them. */
  readonly olderCosign: (executable: string, ...args: readonly string[]) => Promise<Ended>;
  /** How often a line of `world.seen` begins so. */
  readonly asked: (beginning: string) => number;
}

export async function signingBench(t: TestContext): Promise<SigningBench> {
  const now = new Date();
  const world = await signingWorld(t, { now });
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(sandbox.path(name), content);
    return sandbox.path(name);
  };
  write('trusted_root.json', encodeTrustedRoot(world.context.trustedRoot));
  write('signing_config.json', encodeSigningConfig(world.context.signingConfig));
  write('token', unsignedToken({ exp: Math.floor(now.getTime() / 1000) + 600 }));
  const ours = (...args: readonly string[]): Promise<Ended> => sandbox.run(args, { environment: BENCH_PASSWORD });
  await ours('generate-key-pair');
  const { instance } = world;
  const trusted = {
    SIGSTORE_ROOT_FILE: write('root.pem', pemOf(instance.intermediate.certificate, instance.root.certificate)),
    SIGSTORE_REKOR_PUBLIC_KEY: write('rekor.pub', instance.logV1.key.publicKey.toPem()),
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: write('ctfe.pub', instance.ctKey.publicKey.toPem()),
    SIGSTORE_TSA_CERTIFICATE_FILE: write('tsa.pem', pemOf(...instance.tsa.authority.chain)),
  };
  return {
    world,
    sandbox,
    path: (name) => sandbox.path(name),
    write,
    read: (name) => readFileSync(sandbox.path(name), 'utf8'),
    ours,
    cosign: (executable, ...args) => run(executable, args, sandbox),
    olderCosign: (executable, ...args) => run(executable, args, sandbox, trusted),
    asked: (beginning) => world.seen.filter((line) => line.startsWith(beginning)).length,
  };
}

function run(executable: string, args: readonly string[], sandbox: Sandbox, more: object = {}): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home, ...BENCH_PASSWORD, ...more };
  return new Promise((resolve) => {
    execFile(executable, args, { env, cwd: sandbox.work, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ exitCode: typeof code === 'number' ? code : 128, stdout, stderr });
    });
  });
}

/** PEM of certificates, one after the other. */
export function pemOf(...certificates: readonly Certificate[]): string {
  return certificates.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('');
}

/** The same root with one more certificate authority. */
export function withAuthority(root: TrustedRoot, chain: readonly Certificate[]): TrustedRoot {
  const authority = { subject: {}, uri: 'https://ca.example', chain, validFor: { start: new Date(0) } };
  return { ...root, certificateAuthorities: [...root.certificateAuthorities, authority] };
}
