import { keyDetailsName, parseKeyDetails } from '../crypto/key-details.ts';
import { PublicKey } from '../crypto/public-key.ts';
import { defaultScheme, type SignatureScheme } from '../crypto/signature.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { equalBytes } from '../encoding/bytes.ts';
import type { JsonFields } from '../encoding/json-fields.ts';
import { noteKeyHash } from '../tlog/signed-note.ts';
import { FormatError } from '../../errors.ts';
import { parseWindow, windowJson, type ValidityWindow } from './validity-window.ts';

/** One transparency log, or one CT log, with the key it signs with and the time in which that key is believed. */
export interface LogInstance {
  /** As written; it may lack a scheme. Empty for CT logs that name none. */
  readonly baseUrl: string;
  /** Host name of `baseUrl`, without a port: the origin that sigstore-go expects on Rekor v2's checkpoints. */
  readonly origin: string;
  /** Names under which the log may sign checkpoints: host name, host and port, or the URL without its scheme. */
  readonly checkpointNames: readonly string[];
  readonly publicKey: PublicKey;
  /** The scheme that the key's details fix. */
  readonly scheme: SignatureScheme;
  /** Rekor v1 and CT logs: SHA-256 of the key. Rekor v2: the untruncated checkpoint key id. */
  readonly logId: Uint8Array;
  /** The four bytes in front of the log's signatures on checkpoints. */
  readonly checkpointKeyId: Uint8Array;
  readonly validFor: ValidityWindow;
  readonly operator?: string;
}

const KEY_ID_LENGTH = 4;
const MAX_LOG_ID_LENGTH = 64;

/** Values for a log of our own. `api` decides how its id is derived. */
export function createLogInstance(input: {
  readonly api: 'rekor-v1' | 'rekor-v2' | 'ct';
  readonly baseUrl: string;
  readonly publicKey: PublicKey;
  readonly validFor: ValidityWindow;
  readonly operator?: string;
  /** Name on the log's checkpoints, where its key id is derived from that (Rekor v2, static CT); the host's when absent. */
  readonly checkpointOrigin?: string;
}): LogInstance {
  const checkpointNames = namesOf(input.baseUrl);
  const [origin = ''] = checkpointNames;
  const named = input.checkpointOrigin ?? (input.api === 'rekor-v2' ? origin : undefined);
  const logId = named === undefined ? input.publicKey.id : noteKeyHash(named, input.publicKey);
  return {
    baseUrl: input.baseUrl,
    origin,
    checkpointNames,
    publicKey: input.publicKey,
    scheme: defaultScheme(input.publicKey.kind),
    logId,
    checkpointKeyId: logId.subarray(0, KEY_ID_LENGTH),
    validFor: input.validFor,
    ...(input.operator === undefined ? {} : { operator: input.operator }),
  };
}

/** @param needsUrl a transparency log's host is the name on its checkpoints; a CT log signs without one */
export function parseLogInstance(fields: JsonFields, needsUrl: boolean): LogInstance {
  fields.only('baseUrl', 'hashAlgorithm', 'publicKey', 'logId', 'checkpointKeyId', 'operator');
  const algorithm = fields.string('hashAlgorithm');
  if (algorithm !== 'SHA2_256') {
    throw new FormatError(fields.code, `${fields.path}.hashAlgorithm is not supported`, {
      found: algorithm.slice(0, 64),
      expected: 'SHA2_256',
    });
  }
  const baseUrl = needsUrl ? fields.string('baseUrl') : (fields.optionalString('baseUrl') ?? '');
  const checkpointNames = namesOf(baseUrl);
  const [origin = ''] = checkpointNames;
  if (origin === '' && (needsUrl || baseUrl !== '')) {
    throw new FormatError(fields.code, `${fields.path}.baseUrl is not a URL`, {
      found: baseUrl.slice(0, 256),
      expected: 'a URL with a host, such as https://log.example.org',
    });
  }
  const { publicKey, scheme, validFor } = parseKey(fields.object('publicKey'));
  const logId = parseLogId(fields.object('logId'));
  const given = fields.optionalObject('checkpointKeyId');
  // A root may give more than four bytes; only four of them appear on a checkpoint.
  const checkpointKeyId = (given === undefined ? logId : parseLogId(given)).subarray(0, KEY_ID_LENGTH);
  const operator = fields.optionalString('operator');
  return {
    baseUrl,
    origin,
    checkpointNames,
    publicKey,
    scheme,
    logId,
    checkpointKeyId,
    validFor,
    ...(operator === undefined || operator === '' ? {} : { operator }),
  };
}

/** The instance as members of a trusted root. Keys are written as SubjectPublicKeyInfo, whatever they were read from. */
export function logInstanceJson(log: LogInstance): object {
  const derivedId = equalBytes(log.checkpointKeyId, log.logId.subarray(0, KEY_ID_LENGTH));
  return {
    ...(log.baseUrl === '' ? {} : { baseUrl: log.baseUrl }),
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: encodeBase64(log.publicKey.spki),
      keyDetails: keyDetailsName(log.publicKey, log.scheme),
      validFor: windowJson(log.validFor),
    },
    logId: { keyId: encodeBase64(log.logId) },
    ...(derivedId ? {} : { checkpointKeyId: { keyId: encodeBase64(log.checkpointKeyId) } }),
    ...(log.operator === undefined ? {} : { operator: log.operator }),
  };
}

function parseKey(fields: JsonFields): Pick<LogInstance, 'publicKey' | 'scheme' | 'validFor'> {
  fields.only('rawBytes', 'keyDetails', 'validFor');
  const details = parseKeyDetails(fields.string('keyDetails'));
  const bytes = fields.bytes('rawBytes');
  const publicKey = details.pkcs1 === true ? PublicKey.fromPkcs1(bytes) : PublicKey.fromSpki(bytes);
  if (publicKey.kind !== details.kind || (details.bits ?? publicKey.bits) !== publicKey.bits) {
    throw new FormatError(fields.code, `${fields.path} holds another key than its details say`, {
      found: `${publicKey.kind}, ${publicKey.bits} bits`,
      expected: fields.string('keyDetails'),
    });
  }
  return { publicKey, scheme: details.scheme, validFor: parseWindow(fields, 'validFor') };
}

function parseLogId(fields: JsonFields): Uint8Array {
  const id = fields.only('keyId').bytes('keyId');
  if (id.length >= KEY_ID_LENGTH && id.length <= MAX_LOG_ID_LENGTH) return id;
  throw new FormatError(fields.code, `${fields.path}.keyId has an impossible length`, {
    found: `${id.length} bytes`,
    expected: `${KEY_ID_LENGTH} to ${MAX_LOG_ID_LENGTH}`,
  });
}

/** Empty when there is no host. A scheme may be missing. */
function namesOf(baseUrl: string): readonly string[] {
  const url = URL.parse(baseUrl.includes('://') ? baseUrl : `https://${baseUrl}`);
  if (url === null || url.hostname === '') return [];
  return [...new Set([url.hostname, url.host, `${url.host}${url.pathname}`.replace(/\/+$/, '')])];
}
