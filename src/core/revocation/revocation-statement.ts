import { STATEMENT_V1, type Statement } from '../attestation/statement.ts';
import { Digest } from '../image/digest.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import { parseTime, timeText } from './revocation-time.ts';
import { encodeSelector, parseSelector, selectorDigest, type RevocationSelector } from './revocation-selector.ts';

export const REVOCATION_PREDICATE = 'https://sealwright.dev/image-revocation/v1';
export const REINSTATEMENT_PREDICATE = 'https://sealwright.dev/image-reinstatement/v1';

const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
const ACTIONS = ['deny', 'quarantine', 'warn'] as const;

export type Severity = (typeof SEVERITIES)[number];
/** `quarantine` admits nothing new and leaves alone what runs; `warn` refuses nothing. */
export type RevocationAction = (typeof ACTIONS)[number];

interface Common {
  /** Chosen by whoever wrote it; nothing else in a snapshot has it. */
  readonly id: string;
  readonly issuedAt: Date;
  readonly reason: string;
  /** Where it is written down: `ticket:SEC-77`, `log:4121`, a URL. */
  readonly evidence: readonly string[];
}

/** Something that is not to be believed any more. */
export interface Revocation extends Common {
  readonly kind: 'revocation';
  readonly selector: RevocationSelector;
  /** Signatures from then on are revoked; all there are, when absent. */
  readonly effectiveFrom?: Date;
  /** The first moment that is good again. */
  readonly effectiveTo?: Date;
  readonly severity: Severity;
  readonly action: RevocationAction;
  /** What to run instead: a digest, or a name with one. */
  readonly replacement?: string;
  /** A real statement about something that nobody misses. */
  readonly isDrill: boolean;
  /** The revocation that this one takes the place of. */
  readonly supersedes?: string;
}

/** A revocation that is no longer in force. */
export interface Reinstatement extends Common {
  readonly kind: 'reinstatement';
  readonly reinstates: string;
}

export type RevocationStatement = Revocation | Reinstatement;

const ID = /^[a-z0-9][a-z0-9.-]{0,63}$/;
const MAX_EVIDENCE = 50;
const MAX_TEXT = 2000;

/** Kinds that have an end: of the others, whoever stole one keeps it, or keeps the clock by which the end would be told. */
const ENDING: readonly RevocationSelector['kind'][] = ['identity', 'builder'];

/**
 * @throws FormatError FORMAT_REVOCATION for what is no statement of these, or says what cannot be; FORMAT_DIGEST; LimitError
 */
export function parseRevocationStatement(statement: Statement): RevocationStatement {
  const { predicateType } = statement;
  const fields = new JsonFields(statement.predicate, 'predicate', 'FORMAT_REVOCATION');
  switch (predicateType) {
    case REVOCATION_PREDICATE:
      return checkSubject(statement, parseRevocation(fields));
    case REINSTATEMENT_PREDICATE:
      return parseReinstatement(fields);
    default:
      throw wrong('statement.predicateType', `${REVOCATION_PREDICATE} or ${REINSTATEMENT_PREDICATE}`, predicateType);
  }
}

/** The statement to be signed. Its subjects are what it is about, so that the log can be asked for them. */
export function revocationStatement(revocation: RevocationStatement): Statement {
  const about = revocation.kind === 'revocation' ? revocation.selector : undefined;
  return {
    type: STATEMENT_V1,
    subjects:
      about === undefined
        ? [{ name: 'revocation', digests: new Map([['sha256', idDigest(revocation)]]) }]
        : subjectsOf(about),
    predicateType: about === undefined ? REINSTATEMENT_PREDICATE : REVOCATION_PREDICATE,
    predicate: encodePredicate(revocation),
  };
}

function subjectsOf(selector: RevocationSelector): Statement['subjects'] {
  if (selector.kind !== 'digest') {
    return [{ name: selector.kind, digests: new Map([['sha256', selectorDigest(selector)]]) }];
  }
  return selector.digests.map((text) => {
    const { algorithm, hex } = Digest.parse(text);
    return { digests: new Map([[algorithm, hex]]) };
  });
}

function idDigest({ id }: RevocationStatement): string {
  return Digest.of(new TextEncoder().encode(id)).hex;
}

/** Members of the predicate, as they are signed. */
export function encodePredicate(statement: RevocationStatement): JsonObject {
  const { id, issuedAt, reason, evidence } = statement;
  const common = { issuedAt: timeText(issuedAt), reason, ...(evidence.length === 0 ? {} : { evidence }) };
  if (statement.kind === 'reinstatement') return { id, reinstates: statement.reinstates, ...common };
  const { selector, effectiveFrom, effectiveTo, severity, action, replacement, isDrill, supersedes } = statement;
  return {
    id,
    selector: encodeSelector(selector),
    ...(effectiveFrom === undefined ? {} : { effectiveFrom: timeText(effectiveFrom) }),
    ...(effectiveTo === undefined ? {} : { effectiveTo: timeText(effectiveTo) }),
    severity,
    action,
    ...(replacement === undefined ? {} : { replacement }),
    ...(isDrill ? { drill: true } : {}),
    ...(supersedes === undefined ? {} : { supersedes }),
    ...common,
  };
}

function parseReinstatement(fields: JsonFields): Reinstatement {
  fields.only('id', 'reinstates', 'issuedAt', 'reason', 'evidence');
  return { kind: 'reinstatement', ...commonOf(fields), reinstates: idOf(fields, 'reinstates') };
}

function parseRevocation(fields: JsonFields): Revocation {
  fields.only(
    ...['id', 'selector', 'effectiveFrom', 'effectiveTo', 'severity', 'action', 'replacement', 'drill', 'supersedes'],
    ...['issuedAt', 'reason', 'evidence'],
  );
  const common = commonOf(fields);
  const selector = parseSelector(fields.object('selector'));
  const effectiveFrom = fields.has('effectiveFrom') ? parseTime(fields, 'effectiveFrom') : undefined;
  const effectiveTo = fields.has('effectiveTo') ? parseTime(fields, 'effectiveTo') : undefined;
  const isDrill = fields.optionalBoolean('drill') ?? false;
  checkWindow(fields.path, { selector, issuedAt: common.issuedAt, effectiveFrom, effectiveTo });
  if (isDrill && selector.kind !== 'digest') {
    throw wrong(`${fields.path}.drill`, 'a drill about a digest that nobody misses', `a drill about ${selector.kind}`);
  }
  return {
    kind: 'revocation',
    ...common,
    selector,
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
    ...(effectiveTo === undefined ? {} : { effectiveTo }),
    severity: oneOf(fields, 'severity', SEVERITIES),
    action: oneOf(fields, 'action', ACTIONS),
    ...(fields.has('replacement') ? { replacement: textOf(fields, 'replacement') } : {}),
    isDrill,
    ...(fields.has('supersedes') ? { supersedes: idOf(fields, 'supersedes') } : {}),
  };
}

/** A window in the future would leave it to each verifier's clock whether it has begun. */
function checkWindow(
  path: string,
  {
    selector,
    issuedAt,
    effectiveFrom,
    effectiveTo,
  }: Pick<Revocation, 'selector' | 'issuedAt'> & {
    readonly effectiveFrom: Date | undefined;
    readonly effectiveTo: Date | undefined;
  },
): void {
  const { kind } = selector;
  if (effectiveFrom !== undefined && (kind === 'digest' || kind === 'repository' || kind === 'tsa')) {
    throw wrong(`${path}.effectiveFrom`, `no time: what a ${kind} selector is about was never good`, 'a time');
  }
  if (effectiveFrom !== undefined && effectiveFrom > issuedAt) {
    throw wrong(`${path}.effectiveFrom`, `a time until ${timeText(issuedAt)}`, timeText(effectiveFrom));
  }
  if (effectiveTo === undefined) return;
  if (!ENDING.includes(kind))
    throw wrong(`${path}.effectiveTo`, `none: a ${kind} stays revoked`, timeText(effectiveTo));
  if (effectiveFrom !== undefined && effectiveTo <= effectiveFrom) {
    throw wrong(`${path}.effectiveTo`, `a time after ${timeText(effectiveFrom)}`, timeText(effectiveTo));
  }
  if (effectiveTo > issuedAt) {
    throw wrong(
      `${path}.effectiveTo`,
      `a time until ${timeText(issuedAt)}: the end is not known before`,
      timeText(effectiveTo),
    );
  }
}

/** The log is searched by the subjects: a statement that hides what it is about under another one's does not count. */
function checkSubject({ subjects }: Statement, revocation: Revocation): Revocation {
  const key = (list: Statement['subjects']): string =>
    list
      .map(({ digests }) => [...digests].map(([algorithm, hex]) => `${algorithm}:${hex}`).join())
      .sort()
      .join();
  const [found, expected] = [key(subjects), key(subjectsOf(revocation.selector))];
  if (found === expected) return revocation;
  throw wrong('statement.subject', `what the selector is about: ${expected.slice(0, 80)}`, found);
}

function commonOf(fields: JsonFields): Common {
  return {
    id: idOf(fields, 'id'),
    issuedAt: parseTime(fields, 'issuedAt'),
    reason: textOf(fields, 'reason'),
    evidence: fields.strings('evidence', MAX_EVIDENCE),
  };
}

function idOf(fields: JsonFields, name: string): string {
  const text = fields.string(name);
  if (ID.test(text)) return text;
  throw wrong(`${fields.path}.${name}`, '1 to 64 characters of a-z 0-9 . -', text);
}

function textOf(fields: JsonFields, name: string): string {
  const text = fields.string(name);
  if (text.trim() !== '' && text.length <= MAX_TEXT) return text;
  throw wrong(`${fields.path}.${name}`, `1 to ${MAX_TEXT} characters`, `${text.length} characters`);
}

function oneOf<const Choice extends string>(fields: JsonFields, name: string, choices: readonly Choice[]): Choice {
  const text = fields.string(name);
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw wrong(`${fields.path}.${name}`, choices.join(', '), text);
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError('FORMAT_REVOCATION', `${path} is not valid`, { found: found.slice(0, 100), expected });
}
