import { chmodSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { encodeBase64Url } from '../../core/encoding/base64.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import { IntegrityError, UsageError } from '../../errors.ts';
import { makeDurableFolder, writeDurableFile } from '../../io/files/durable-file.ts';

/** Where everything of a stack lives. Only its owner may enter: whoever can write here can sign as anybody. */
export class StackFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  get settings(): string {
    return join(this.path, 'settings.json');
  }

  get running(): string {
    return join(this.path, 'running.json');
  }

  get serverLog(): string {
    return join(this.path, 'stack.log');
  }

  get trustedRoot(): string {
    return join(this.path, 'trust', 'trusted_root.json');
  }

  get signingConfig(): string {
    return join(this.path, 'trust', 'signing_config.v0.2.json');
  }

  /** What the stack's trust root says is revoked, and who may say so, in one file: both or none of them. */
  get revocations(): string {
    return join(this.path, 'trust', 'revocations.json');
  }

  /** The TUF root that a client starts from: version 1. */
  get tufRoot(): string {
    return join(this.path, 'trust', 'root.json');
  }

  get exists(): boolean {
    return existsSync(this.settings);
  }

  /**
   * A folder of one part of the stack, made if need be.
   *
   * @throws UsageError USAGE_FILE when it cannot be made
   */
  async part(name: 'keys' | 'certificates' | 'trust' | 'tuf' | 'log' | 'ct' | 'registry'): Promise<string> {
    const path = join(this.path, name);
    await make(path);
    return path;
  }

  /** @throws UsageError USAGE_FILE when it cannot be made, is another user's or is open to others */
  async prepare(): Promise<void> {
    await make(this.path);
    const { uid, mode } = statSync(this.path);
    if (process.getuid !== undefined && uid !== process.getuid()) {
      throw new UsageError('USAGE_FILE', "the folder is another user's", {
        found: `${this.path}, owned by user ${uid}`,
        expected: 'a folder of your own',
      });
    }
    if ((mode & 0o077) === 0) return;
    if (readdirSync(this.path).length === 0) {
      chmodSync(this.path, 0o700);
      return;
    }
    throw new UsageError('USAGE_FILE', 'the folder is open to other users', {
      found: `mode ${(mode & 0o777).toString(8)}`,
      expected: 'mode 700: keys live here',
      fix: `chmod 700 ${this.path}`,
    });
  }

  /** Who gets no certificate. */
  get suspensions(): string {
    return join(this.path, 'suspensions.json');
  }

  /** What operators have done, a line of JSON each. */
  get operatorJournal(): string {
    return join(this.path, 'operator.jsonl');
  }

  /** The text whose holder may ask the development issuer for any identity. Made once. */
  async developerSecret(): Promise<string> {
    return this.#secret('developer');
  }

  /** The text whose holder may say what is revoked, and whom the certificate authority refuses. Made once. */
  async operatorSecret(): Promise<string> {
    return this.#secret('operator');
  }

  /** @throws UsageError USAGE_STACK_NOT_RUNNING when no stack was ever started here */
  existingDeveloperSecret(): string {
    return this.#existingSecret('developer');
  }

  /** @throws UsageError USAGE_STACK_NOT_RUNNING when no stack was ever started here, or none that had operators */
  existingOperatorSecret(): string {
    return this.#existingSecret('operator');
  }

  async #secret(whose: SecretName): Promise<string> {
    const path = join(this.path, `${whose}-secret`);
    if (!existsSync(path)) await writeDurableFile(path, `${encodeBase64Url(randomBytes(32))}\n`);
    return readSecret(path, whose);
  }

  #existingSecret(whose: SecretName): string {
    const path = join(this.path, `${whose}-secret`);
    if (!existsSync(path)) throw neverStarted(this.path);
    return readSecret(path, whose);
  }
}

type SecretName = 'developer' | 'operator';

export function neverStarted(path: string): UsageError {
  return new UsageError('USAGE_STACK_NOT_RUNNING', 'there is no stack in this folder', {
    found: path,
    expected: 'a folder that `sealwright up` has used',
    fix: `sealwright up --detach --dir ${path}`,
  });
}

async function make(path: string): Promise<void> {
  try {
    await makeDurableFolder(path);
  } catch (cause) {
    throw new UsageError('USAGE_FILE', 'the folder cannot be made', { found: path, cause });
  }
}

function readSecret(path: string, whose: SecretName): string {
  const secret = readFileSync(path, 'utf8').trim();
  if (secret.length >= 32) return secret;
  throw new IntegrityError('STATE_CORRUPT', `the ${whose} secret is damaged`, {
    found: `${secret.length} characters in ${path}`,
    expected: 'at least 32',
    fix: `rm ${path}, and start the stack again`,
  });
}
