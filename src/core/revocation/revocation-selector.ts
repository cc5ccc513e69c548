import { Digest } from '../image/digest.ts';
import { sha256 } from '../crypto/digest.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import type { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';
import { FULCIO_EXTENSION_NAMES, type FulcioExtensionName } from '../pki/fulcio-extensions.ts';
import { FormatError } from '../../errors.ts';
import { TextGlob } from './text-glob.ts';

/** What a revocation is about. */
export type RevocationSelector =
  /** Images by content, each index with the images in it. */
  | { readonly kind: 'digest'; readonly digests: readonly string[] }
  | IdentitySelector
  /** Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
  | { readonly kind: 'key'; readonly keyId: string }
  /** As provenance names it, or a certificate's Build Signer URI. */
  | { readonly kind: 'builder'; readonly id: string; readonly version?: string }
  /** Lower-case hexadecimal SHA-256 of the certificate of an authority: a root, or an intermediate alone. */
  | { readonly kind: 'ca'; readonly fingerprint: string }
  /** Lower-case hexadecimal SHA-256 of the log's key. */
  | { readonly kind: 'log'; readonly logId: string }
  | { readonly kind: 'tsa'; readonly fingerprint: string }
  /** `registry/repository`: nothing that was fetched from there before the statement is used again. */
  | { readonly kind: 'repository'; readonly repository: TextGlob };

export interface IdentitySelector {
  readonly kind: 'identity';
  readonly issuer: string;
  readonly subject: TextGlob;
  /** All of them must be in the certificate, exactly. */
  readonly claims: ReadonlyMap<FulcioExtensionName, string>;
}

export type SelectorKind = RevocationSelector['kind'];

const MAX_DIGESTS = 1000;
const MAX_TEXT = 2048;
const HEX_SHA256 = /^[0-9a-f]{64}$/;

/**
 * @param fields an object with exactly one member, named after the kind
 * @throws FormatError FORMAT_REVOCATION, FORMAT_DIGEST; LimitError LIMIT_COUNT
 */
export function parseSelector(fields: JsonFields): RevocationSelector {
  fields.only('digest', 'identity', 'key', 'builder', 'ca', 'log', 'tsa', 'repository');
  const [kind, ...others] = fields.names();
  if (kind === undefined || others.length > 0) {
    throw wrong(fields.path, 'exactly one selector', `${fields.names().length} of them`);
  }
  switch (kind as SelectorKind) {
    case 'digest':
      return { kind: 'digest', digests: digestsOf(fields) };
    case 'identity':
      return identityOf(fields.object('identity'));
    case 'key':
      return { kind: 'key', keyId: fingerprintOf(fields, 'key') };
    case 'builder':
      return builderOf(fields.object('builder'));
    case 'ca':
      return { kind: 'ca', fingerprint: fingerprintOf(fields, 'ca') };
    case 'log':
      return { kind: 'log', logId: fingerprintOf(fields, 'log') };
    case 'tsa':
      return { kind: 'tsa', fingerprint: fingerprintOf(fields, 'tsa') };
    case 'repository':
      return { kind: 'repository', repository: new TextGlob(textOf(fields, 'repository')) };
  }
}

export function encodeSelector(selector: RevocationSelector): JsonObject {
  switch (selector.kind) {
    case 'digest':
      return { digest: selector.digests };
    case 'identity': {
      const { issuer, subject, claims } = selector;
      return {
        identity: {
          issuer,
          subject: subject.source,
          ...(claims.size === 0 ? {} : { claims: Object.fromEntries([...claims].sort(byName)) }),
        },
      };
    }
    case 'key':
      return { key: selector.keyId };
    case 'builder': {
      const { id, version } = selector;
      return { builder: { id, ...(version === undefined ? {} : { version }) } };
    }
    case 'ca':
      return { ca: selector.fingerprint };
    case 'log':
      return { log: selector.logId };
    case 'tsa':
      return { tsa: selector.fingerprint };
    case 'repository':
      return { repository: selector.repository.source };
  }
}

/** Lower-case hexadecimal SHA-256: what a statement about no image has for a subject, and is found by in the log. */
export function selectorDigest(selector: RevocationSelector): string {
  return encodeHex(sha256(utf8(JSON.stringify(encodeSelector(selector)))));
}

/** Whether it may reach more than whoever signs it has in mind: more approvals are asked for. */
export function isBroad({ kind }: RevocationSelector): boolean {
  return kind !== 'digest';
}

/** In words, for people. */
export function selectorText(selector: RevocationSelector): string {
  switch (selector.kind) {
    case 'digest': {
      const [first = '', ...others] = selector.digests;
      return others.length === 0 ? `image ${first}` : `image ${first} and ${others.length} more`;
    }
    case 'identity': {
      const claims = [...selector.claims].map(([name, value]) => `, ${name} ${value}`).join('');
      return `identity ${selector.subject.source}, issuer ${selector.issuer}${claims}`;
    }
    case 'key':
      return `key ${selector.keyId}`;
    case 'builder':
      return `builder ${selector.id}${selector.version === undefined ? '' : ` version ${selector.version}`}`;
    case 'ca':
      return `certificate authority ${selector.fingerprint}`;
    case 'log':
      return `log ${selector.logId}`;
    case 'tsa':
      return `timestamp authority ${selector.fingerprint}`;
    case 'repository':
      return `repository ${selector.repository.source}`;
  }
}

function digestsOf(fields: JsonFields): readonly string[] {
  const digests = fields.strings('digest', MAX_DIGESTS).map((text) => Digest.parse(text).toString());
  if (digests.length === 0) throw wrong(`${fields.path}.digest`, 'at least one digest', 'none');
  return [...new Set(digests)];
}

function identityOf(fields: JsonFields): IdentitySelector {
  fields.only('issuer', 'subject', 'claims');
  const claims = fields.optionalObject('claims');
  const named = (claims?.names() ?? []).map((name) => {
    const known = FULCIO_EXTENSION_NAMES.find((extension) => extension === name);
    if (known === undefined || claims === undefined) {
      throw wrong(`${fields.path}.claims`, FULCIO_EXTENSION_NAMES.join(', '), name);
    }
    return [known, textOf(claims, name)] as const;
  });
  return {
    kind: 'identity',
    issuer: textOf(fields, 'issuer'),
    subject: new TextGlob(textOf(fields, 'subject')),
    claims: new Map(named),
  };
}

function builderOf(fields: JsonFields): RevocationSelector {
  fields.only('id', 'version');
  const id = textOf(fields, 'id');
  return fields.has('version') ? { kind: 'builder', id, version: textOf(fields, 'version') } : { kind: 'builder', id };
}

function fingerprintOf(fields: JsonFields, name: string): string {
  const text = fields.string(name);
  if (HEX_SHA256.test(text)) return text;
  throw wrong(`${fields.path}.${name}`, 'SHA-256 as 64 characters 0-9 a-f', text);
}

function textOf(fields: JsonFields, name: string): string {
  const text = fields.string(name);
  if (text !== '' && text.length <= MAX_TEXT) return text;
  throw wrong(`${fields.path}.${name}`, `1 to ${MAX_TEXT} characters`, `${text.length} characters`);
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError('FORMAT_REVOCATION', `${path} is not valid`, { found: found.slice(0, 100), expected });
}
