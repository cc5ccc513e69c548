import { PublicKey } from '../../core/crypto/public-key.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseDraft } from '../../core/emergency/statement-draft.ts';
import { parseReference } from '../../core/image/reference.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import {
  parseRevocationStatement,
  REINSTATEMENT_PREDICATE,
  revocationStatement,
  type Revocation,
  type RevocationStatement,
} from '../../core/revocation/revocation-statement.ts';
import { encodeSelector, parseSelector, type RevocationSelector } from '../../core/revocation/revocation-selector.ts';
import { UsageError } from '../../errors.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { indexDigests } from '../../workflows/planning/index-digests.ts';
import { identityDocument } from './identity-selector-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';

const SELECTORS = ['digest', 'identity', 'public-key', 'builder', 'ca', 'log', 'tsa', 'repository', 'draft'] as const;
const HEX_SHA256 = /^[0-9a-f]{64}$/;
const ID_BYTES = 5;

/**
 * The statement that the flags mean.
 *
 * @param reason of a statement that nobody signs: one that is signed needs `--reason`
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError FORMAT_REVOCATION for what cannot be said; what asking for IMAGE throws
 */
export async function revocationOf(
  context: CommandContext,
  registry: () => RegistryClient,
  reason = context.flags.required('reason'),
): Promise<RevocationStatement> {
  const { flags, now } = context;
  const common = {
    id: flags.string('id') ?? newId(now()),
    issuedAt: new Date(Math.floor(now().getTime() / 1000) * 1000),
    reason,
    evidence: flags.list('evidence'),
  };
  const reinstates = flags.string('reinstate');
  const given = [...SELECTORS.filter((name) => flags.isGiven(name)), ...flags.arguments.map(() => 'IMAGE')];
  if (given.length + (reinstates === undefined ? 0 : 1) !== 1) {
    throw new UsageError('USAGE_BAD_FLAG', 'a statement is about one thing', {
      found: given.length === 0 ? 'nothing' : given.join(', '),
      expected: `IMAGE, --reinstate or one of ${SELECTORS.map((name) => `--${name}`).join(', ')}`,
    });
  }
  if (reinstates !== undefined) return checked({ kind: 'reinstatement', ...common, reinstates });
  const [from, to] = [timeFlag(context, 'from'), timeFlag(context, 'to')];
  const [replacement, supersedes] = [flags.string('replacement'), flags.string('supersedes')];
  return checked({
    kind: 'revocation',
    ...common,
    selector: await selectorOf(context, registry),
    ...(from === undefined ? {} : { effectiveFrom: from }),
    ...(to === undefined ? {} : { effectiveTo: to }),
    severity: (flags.string('severity') ?? 'high') as Revocation['severity'],
    action: (flags.string('action') ?? 'deny') as Revocation['action'],
    ...(replacement === undefined ? {} : { replacement }),
    isDrill: flags.boolean('drill'),
    ...(supersedes === undefined ? {} : { supersedes }),
  });
}

/** What its own reader refuses is refused before anybody signs it. */
function checked(statement: RevocationStatement): RevocationStatement {
  const made = revocationStatement(statement);
  const type = statement.kind === 'reinstatement' ? REINSTATEMENT_PREDICATE : made.predicateType;
  return parseRevocationStatement({ ...made, predicateType: type });
}

async function selectorOf(context: CommandContext, registry: () => RegistryClient): Promise<RevocationSelector> {
  const { flags } = context;
  const [image] = flags.arguments;
  const document = image === undefined ? selectorDocument(context) : { digest: await digestsOf(image, registry()) };
  return parseSelector(new JsonFields(document, 'selector', 'FORMAT_REVOCATION'));
}

function selectorDocument(context: CommandContext): JsonObject {
  const { flags } = context;
  if (flags.isGiven('draft')) return encodeSelector(parseDraft(readTextFile(flags.required('draft'))).selector);
  if (flags.isGiven('digest')) return { digest: flags.list('digest') };
  if (flags.isGiven('identity')) {
    const [issuer, subject] = [flags.required('issuer'), flags.required('identity')];
    return identityDocument({ issuer, subject, claims: flags.texts('claim') });
  }
  if (flags.isGiven('builder')) {
    const version = flags.string('builder-version');
    return { builder: { id: flags.required('builder'), ...(version === undefined ? {} : { version }) } };
  }
  if (flags.isGiven('repository')) return { repository: flags.required('repository') };
  if (flags.isGiven('log')) return { log: flags.required('log') };
  if (flags.isGiven('public-key')) return { key: keyFingerprint(flags.required('public-key')) };
  const kind = flags.isGiven('ca') ? 'ca' : 'tsa';
  return { [kind]: certificateOf(flags.required(kind)) };
}

/** The image, and what an index names: each can be run by its own digest. */
async function digestsOf(image: string, registry: RegistryClient): Promise<readonly string[]> {
  return indexDigests(registry, parseReference(image));
}

/** A public key in a file, or its SHA-256. @throws UsageError USAGE_FILE; FormatError FORMAT_PUBLIC_KEY */
export function keyFingerprint(text: string): string {
  return HEX_SHA256.test(text) ? text : encodeHex(PublicKey.fromPem(readTextFile(text)).id);
}

function certificateOf(text: string): string {
  if (HEX_SHA256.test(text)) return text;
  const [certificate] = Certificate.allFromPem(readTextFile(text));
  if (certificate !== undefined) return certificate.fingerprint;
  throw new UsageError('USAGE_FILE', 'there is no certificate in this file', { found: text, expected: 'PEM' });
}

/** @throws UsageError USAGE_BAD_FLAG */
export function timeFlag({ flags }: Pick<CommandContext, 'flags'>, name: string): Date | undefined {
  const text = flags.string(name);
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\dT.*Z$/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new UsageError('USAGE_BAD_FLAG', `--${name} is not a time`, {
    found: text.slice(0, 50),
    expected: 'a time in UTC such as 2026-01-31T12:00:00Z',
  });
}

/** Sorted by time for people, and never the same twice. */
function newId(now: Date): string {
  return `r-${now.toISOString().slice(0, 10)}-${encodeHex(randomBytes(ID_BYTES))}`;
}
