import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { encodePem } from '../../core/encoding/pem.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { encodeGeneralName, type SubjectAltName } from '../../core/pki/general-name.ts';
import { issueServerAuthority, issueServerCertificate } from '../../core/pki/server-certificate.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import { writeDurableFile } from '../../io/files/durable-file.ts';
import { serverName } from './server-name.ts';

export interface ServingCertificateOptions {
  /** Made if absent; gets `ca.pem` (for `caBundle`), `ca-key.pem`, `tls.pem` and `tls-key.pem`, keys with mode 0600. */
  readonly folder: string;
  /** DNS names and addresses at which the API server will reach the webhook: `NAME.NAMESPACE.svc`, `127.0.0.1`. */
  readonly hosts: readonly string[];
  readonly now: Date;
}

export interface ServingCertificate {
  /** PEM texts, as `listen` wants them. */
  readonly tls: { readonly certificate: string; readonly key: string };
  /** What the API server has to trust: the file's content, base64 encoded, is the `caBundle`. */
  readonly caFile: string;
}

/** For whoever tries the webhook on its own machine. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
/** A leaf is replaced while it still has this long to go, at the next start. */
const RENEW_DAYS = 30;
/** The API server's clock may be behind. */
const BACKDATE_MS = 3_600_000;

interface Authority {
  readonly key: PrivateKey;
  readonly certificate: Certificate;
}

/**
 * A certificate for the webhook from an authority of its own, for trials and for clusters without a certificate manager.
 * The authority stays the same from start to start, so that a `caBundle` stays right; the leaf is made anew when it comes
 * near its end or lacks a name.
 *
 * @throws UsageError USAGE_FILE for files that cannot be used, USAGE_BAD_FLAG for a host that is none
 */
export async function openServingCertificate(options: ServingCertificateOptions): Promise<ServingCertificate> {
  const { folder, now } = options;
  const names = [...new Set([...options.hosts, ...LOOPBACK])].map(serverName);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = await openAuthority(folder, now);
  const known = await readLeaf(folder);
  const isFit = known !== undefined && fits(known.leaf, names, authority, now);
  const tls = isFit ? known.tls : await makeLeaf(folder, names, authority, now);
  return { tls, caFile: join(folder, 'ca.pem') };
}

async function openAuthority(folder: string, now: Date): Promise<Authority> {
  const [path, keyPath] = [join(folder, 'ca.pem'), join(folder, 'ca-key.pem')];
  const [pem, keyPem] = [await readIfPresent(path), await readKey(keyPath)];
  if (pem !== undefined && keyPem !== undefined) {
    const authority = usable(folder, () => ({
      certificate: Certificate.fromPem(pem),
      key: PrivateKey.fromPem(keyPem),
    }));
    const isPair = authority.certificate.publicKey.equals(authority.key.publicKey);
    if (isPair && authority.certificate.isValidAt(now)) return authority;
  }
  const key = PrivateKey.generate('ecdsa-p256');
  const certificate = issueServerAuthority(key, {
    commonName: 'sealwright webhook',
    random: randomBytes(20),
    ...validity(now, AUTHORITY_DAYS),
  });
  await writeDurableFile(keyPath, encodePem('PRIVATE KEY', key.toPkcs8()));
  await writeDurableFile(path, certificate.toPem());
  return { key, certificate };
}

async function makeLeaf(
  folder: string,
  names: readonly SubjectAltName[],
  authority: Authority,
  now: Date,
): Promise<ServingCertificate['tls']> {
  const key = PrivateKey.generate('ecdsa-p256');
  const leaf = issueServerCertificate(
    { publicKey: key.publicKey, names, random: randomBytes(20), ...validity(now, LEAF_DAYS) },
    authority,
  );
  const tls = { certificate: leaf.toPem(), key: encodePem('PRIVATE KEY', key.toPkcs8()) };
  await writeDurableFile(join(folder, 'tls-key.pem'), tls.key);
  await writeDurableFile(join(folder, 'tls.pem'), tls.certificate);
  return tls;
}

async function readLeaf(folder: string): Promise<{ leaf: Certificate; tls: ServingCertificate['tls'] } | undefined> {
  const certificate = await readIfPresent(join(folder, 'tls.pem'));
  const key = await readKey(join(folder, 'tls-key.pem'));
  if (certificate === undefined || key === undefined) return undefined;
  return usable(folder, () => {
    const leaf = Certificate.fromPem(certificate);
    // A crash between the two files leaves a pair that does not belong together.
    const isPair = PrivateKey.fromPem(key).publicKey.equals(leaf.publicKey);
    return isPair ? { leaf, tls: { certificate, key } } : undefined;
  });
}

function fits(leaf: Certificate, names: readonly SubjectAltName[], authority: Authority, now: Date): boolean {
  // Compared encoded, as an IPv6 address can be written in several ways.
  const text = (name: SubjectAltName): string => encodeHex(encodeGeneralName(name));
  const known = new Set(leaf.subjectAltNames.map(text));
  return (
    leaf.isSignedBy(authority.certificate) &&
    names.every((name) => known.has(text(name))) &&
    leaf.isValidAt(now) &&
    leaf.isValidAt(new Date(now.getTime() + RENEW_DAYS * DAY_MS))
  );
}

function validity(now: Date, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  // Certificates count in whole seconds.
  const start = Math.floor((now.getTime() - BACKDATE_MS) / 1000) * 1000;
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS) };
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: String(code), cause });
  }
}

/** @throws UsageError USAGE_FILE for a key that other users may read: they could answer in the webhook's place */
async function readKey(path: string): Promise<string | undefined> {
  const pem = await readIfPresent(path);
  if (pem === undefined) return undefined;
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return pem;
  throw new UsageError('USAGE_FILE', `the key ${path} is open to other users`, {
    found: `mode ${mode.toString(8)}`,
    expected: 'mode 600',
    fix: `chmod 600 ${path}`,
  });
}

function usable<Value>(folder: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof SealwrightError)) throw cause;
    throw new UsageError('USAGE_FILE', `the certificates in ${folder} cannot be used`, {
      found: cause.message,
      expected: 'those that were made here',
      fix: `remove ${folder}/*.pem, and give the new ca.pem to the API server`,
      cause,
    });
  }
}
