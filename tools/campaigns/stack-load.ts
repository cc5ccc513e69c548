/** Writers who keep a stack's log and certificate authority busy until they are cut off. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { sha256 } from '../../src/core/crypto/digest.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { parseIdentityToken, type IdentityToken } from '../../src/core/identity/identity-token.ts';
import { encodeCreateEntryRequest, parseCreateEntryResponse } from '../../src/core/wire/log.ts';
import { CaClient } from '../../src/io/clients/ca-client.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { SealwrightError } from '../../src/errors.ts';
import type { Acknowledgements } from './acknowledgements.ts';

const run = promisify(execFile);
const SIGNER = PrivateKey.generate('ecdsa-p256');

/** A token of the stack's own issuer, by the command that scripts use. */
export async function devToken(dir: string): Promise<IdentityToken> {
  const program = resolve(import.meta.dirname, '../../bin/sealwright');
  const { stdout } = await run(program, ['dev-token', '--dir', dir, '--email', 'campaign@example.com'], {
    env: { ...process.env, HOME: join(dir, 'home') },
  });
  return parseIdentityToken(stdout.trim());
}

export class StackLoad {
  readonly #http = new HttpClient({ retry: { retries: 0 } });
  #isOver = false;
  readonly #writers: Promise<void>[];

  /** @param name makes the entries of one load unlike those of any other */
  constructor(url: string, token: IdentityToken, acknowledged: Acknowledgements, name: string, writers = 16) {
    const ca = new CaClient(new HttpClient({ retry: { retries: 0 } }), url);
    this.#writers = [
      ...Array.from({ length: writers }, (_, writer) =>
        this.#repeat((round) => logEntry(url, `${name} ${writer} ${round}`, acknowledged, this.#http)),
      ),
      this.#repeat(async () => {
        acknowledged.addCertificate(await ca.requestCertificate(token, PrivateKey.generate('ecdsa-p256')));
      }),
    ];
  }

  /** Call it when the service is gone: what it has not answered by then, it never will. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#writers);
    this.#http.close();
  }

  /** Fails fast: an answer that says no is a finding; a service that is gone is the campaign. */
  async #repeat(action: (round: number) => Promise<void>): Promise<void> {
    for (let round = 0; !this.#isOver; round++) {
      try {
        await action(round);
      } catch (error) {
        const isGone = error instanceof SealwrightError && error.family === 'remote' && error.code !== 'REMOTE_STATUS';
        if (!isGone) throw error;
        return;
      }
    }
  }
}

/** Submits one entry and remembers the answer. */
export async function logEntry(
  url: string,
  text: string,
  acknowledged: Acknowledgements,
  http = new HttpClient({ retry: { retries: 0 } }),
): Promise<void> {
  const message = utf8(text);
  const { body } = await http.request({
    method: 'POST',
    url: `${url}/api/v2/log/entries`,
    headers: { 'content-type': 'application/json' },
    body: utf8(
      encodeCreateEntryRequest({
        digest: { algorithm: 'sha256', digest: sha256(message) },
        signature: SIGNER.sign(message),
        verifier: { kind: 'publicKey', der: SIGNER.publicKey.spki },
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      }),
    ),
    expect: [201],
  });
  acknowledged.addEntry(parseCreateEntryResponse(body));
}
