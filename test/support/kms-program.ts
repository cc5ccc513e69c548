/**
 * A key service for tests, as the program that Sigstore's plug-in protocol calls (`sigstore-kms-NAME v1 JSON`): keys are
 * files in KMS_FOLDER, one for each resource. It reads the protocol with code of its own and signs with `node:crypto`, so
 * that the client is not tested against itself. KMS_MISBEHAVIOUR makes it a bad one.
 */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  type KeyObject,
} from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { p256 } from '@noble/curves/nist.js';

interface Request {
  readonly initOptions: { readonly protocolVersion: string; readonly keyResourceID: string; readonly hashFunc: number };
  readonly methodName: string;
  readonly signMessage?: { readonly signOptions: { readonly messageOptions: MessageOptions } };
  readonly verifySignature?: {
    readonly signature: string;
    readonly verifyOptions: { readonly messageOptions: MessageOptions };
  };
}

interface MessageOptions {
  /** Base64; Go writes null or an empty text when there is none. */
  readonly digest?: string | null;
}

const HASHES: Readonly<Record<number, string>> = { 5: 'sha256', 6: 'sha384', 7: 'sha512' };

const PEM = { format: 'pem', type: 'pkcs8' } as const;

const [, , version = '', text = '{}'] = process.argv;
const misbehaviour = process.env['KMS_MISBEHAVIOUR'] ?? '';
if (misbehaviour === 'crashes') process.exit(3);
if (misbehaviour === 'is silent for ever') setInterval(() => undefined, 1000);
else process.stdout.write(misbehaviour === 'babbles' ? 'hello' : JSON.stringify(answer(JSON.parse(text) as Request)));

function answer(request: Request): object {
  const { initOptions, methodName } = request;
  const file = join(process.env['KMS_FOLDER'] ?? '.', `${encodeURIComponent(initOptions.keyResourceID)}.pem`);
  if (version !== 'v1' || initOptions.protocolVersion !== 'v1') return { errorMessage: `no protocol ${version}` };
  if (methodName === 'defaultAlgorithm') return { defaultAlgorithm: { defaultAlgorithm: 'p256' } };
  if (methodName === 'createKey') {
    writeFileSync(file, generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export(PEM));
    return { createKey: { publicKeyPEM: publicPem(readKey(file)) } };
  }
  if (!existsSync(file)) return { errorMessage: `there is no key ${initOptions.keyResourceID}` };
  const key = readKey(file);
  if (methodName === 'publicKey') return { publicKey: { publicKeyPEM: publicPem(key) } };
  const { signMessage, verifySignature } = request;
  if (signMessage === undefined && verifySignature === undefined)
    return { errorMessage: `unsupported method: ${methodName}` };
  const given = (signMessage?.signOptions ?? verifySignature?.verifyOptions)?.messageOptions.digest ?? '';
  const message = readFileSync(0);
  const hash = HASHES[initOptions.hashFunc] ?? 'sha256';
  const digest = given === '' ? createHash(hash).update(message).digest() : Buffer.from(given, 'base64');
  if (verifySignature !== undefined) {
    const signature = Buffer.from(verifySignature.signature, 'base64');
    return isSignature(key, digest, signature)
      ? { verifySignature: {} }
      : { errorMessage: 'not a signature by this key' };
  }
  if (misbehaviour === 'signs something else') digest[0] = (digest[0] ?? 0) ^ 1;
  return { signMessage: { signature: signDigest(key, digest).toString('base64') } };
}

/** A card signs what it is given, and so must its stand-in: ECDSA over the digest itself, which `node:crypto` hides. */
function signDigest(key: KeyObject, digest: Buffer): Buffer {
  if (key.asymmetricKeyType === 'rsa') {
    // PKCS#1 v1.5 over a DigestInfo made here is the bare private operation with that padding.
    const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex');
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([prefix, digest]));
  }
  const { d = '' } = key.export({ format: 'jwk' });
  return Buffer.from(p256.sign(digest, Buffer.from(d, 'base64url'), { prehash: false, format: 'der' }));
}

function isSignature(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return p256.verify(signature, digest, point, { prehash: false, format: 'der', lowS: false });
}

function readKey(file: string): KeyObject {
  return createPrivateKey(readFileSync(file));
}

function publicPem(key: KeyObject): string {
  return Buffer.from(createPublicKey(key).export({ format: 'pem', type: 'spki' })).toString('base64');
}
