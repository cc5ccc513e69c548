import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { parseUtf8 } from '../encoding/utf8.ts';
import { FormatError } from '../../errors.ts';
import { parseEntryBody, type LoggedVerifier } from './entry-body.ts';
import { parseHashOutput, type NamedDigest } from './hash-name.ts';

/** What a log of version 2 says in one entry, as it stands in its tiles. */
export interface LoggedEntry {
  readonly kind: 'hashedrekord' | 'dsse';
  readonly digestOf: 'signed bytes' | 'payload';
  readonly digest: NamedDigest;
  /** Of everybody whose signature is in it: one, but for envelopes with several. */
  readonly verifiers: readonly LoggedVerifier[];
}

const CODE = 'FORMAT_LOG_ENTRY';
const LIMITS = { maxBytes: 64 << 10, maxDepth: 16 };
const MAX_SIGNATURES = 100;

/** @throws FormatError FORMAT_LOG_ENTRY for a kind that is not read, and for what is no entry; LimitError */
export function parseLoggedEntry(body: Uint8Array): LoggedEntry {
  const fields = new JsonFields(parseJson(body, 'the log entry', CODE, LIMITS), 'entry', CODE);
  const [kind, version] = [fields.string('kind'), fields.string('apiVersion')];
  if (kind === 'dsse' && version === '0.0.2') return dsse(fields.object('spec').object('dsseV002'));
  if (kind !== 'hashedrekord' || version !== '0.0.2') {
    throw new FormatError(CODE, 'the log entry is of a kind that is not read', {
      found: `${kind} ${version}`.slice(0, 128),
      expected: 'hashedrekord 0.0.2, dsse 0.0.2',
    });
  }
  // As a verifier reads it, to the byte.
  parseUtf8(body, CODE, 'the log entry');
  const { digest, verifier } = parseEntryBody({ kind, version, body });
  return { kind: 'hashedrekord', digestOf: 'signed bytes', digest, verifiers: [verifier] };
}

function dsse(record: JsonFields): LoggedEntry {
  return {
    kind: 'dsse',
    digestOf: 'payload',
    digest: parseHashOutput(record.object('payloadHash')),
    verifiers: record.objects('signatures', MAX_SIGNATURES).map((signature) => {
      const verifier = signature.object('verifier');
      const certificate = verifier.optionalObject('x509Certificate');
      const key = certificate ?? verifier.object('publicKey');
      return { kind: certificate === undefined ? 'publicKey' : 'certificate', der: key.bytes('rawBytes') };
    }),
  };
}
