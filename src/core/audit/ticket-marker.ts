import { sha256 } from '../crypto/digest.ts';
import { encodeBase64Url, parseBase64Url } from '../encoding/base64.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError, LimitError } from '../../errors.ts';

/** What a ticket remembers from one run to the next, hidden in its text. */
export interface TicketMarker {
  /** Of the system; what a ticket is found by. */
  readonly fingerprint: string;
  /** Digest of the gap that it was last written for; comments have the one that they are about. */
  readonly gap: string;
  /** When the snapshot was taken that it was last written from. */
  readonly takenAt: Date;
  /** Until when the gap is to be closed. */
  readonly due: string;
  /** Since when the close rule has held, in every snapshot. */
  readonly heldSince?: Date;
  /** In a comment: what was done. */
  readonly event?: string;
}

const PREFIX = 'sealwright-audit-';
const CODE = 'FORMAT_AUDIT';
const LIMITS = { maxBytes: 2048, maxDepth: 2 };
const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** Beyond it nothing of ours stands: a ticket's text is somebody else's to write. */
const MAX_MARKERS = 20;

/** One system has one ticket, whatever is looked at of it: 32 hex digits. */
export function ticketFingerprint(system: string): string {
  return encodeHex(sha256(utf8(`sealwright audit ticket\n${system}`))).slice(0, 32);
}

/** A word that search engines of trackers find whole. */
export function fingerprintWord(fingerprint: string): string {
  return `${PREFIX}${fingerprint}`;
}

/** One word of letters, digits, `-`, `_` and a dot: neither HTML comments nor wiki macros give any of them a meaning. */
export function encodeTicketMarker({ fingerprint, gap, takenAt, due, heldSince, event }: TicketMarker): string {
  const json = JSON.stringify({
    gap,
    takenAt: takenAt.toISOString(),
    due,
    ...(heldSince === undefined ? {} : { heldSince: heldSince.toISOString() }),
    ...(event === undefined ? {} : { event }),
  });
  return `${fingerprintWord(fingerprint)}.${encodeBase64Url(utf8(json))}`;
}

/**
 * The first marker of that fingerprint in a ticket's or a comment's text. What only looks like one is none: a ticket's text is anybody's
 * who may write to the tracker.
 */
export function parseTicketMarker(text: string, fingerprint: string): TicketMarker | undefined {
  const pattern = new RegExp(`${fingerprintWord(fingerprint)}\\.([A-Za-z0-9_-]{1,1500})`, 'g');
  for (const [, body = ''] of [...text.matchAll(pattern)].slice(0, MAX_MARKERS)) {
    try {
      return parseBody(body, fingerprint);
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof LimitError)) throw error;
    }
  }
  return undefined;
}

function parseBody(body: string, fingerprint: string): TicketMarker {
  const fields = new JsonFields(parseJson(parseBase64Url(body), 'the marker', CODE, LIMITS), 'marker', CODE);
  fields.only('gap', 'takenAt', 'due', 'heldSince', 'event');
  const event = fields.optionalString('event');
  const due = fields.string('due');
  if (!DAY.test(due)) throw new FormatError(CODE, 'marker.due is no day', { found: due.slice(0, 100) });
  const heldSince = fields.has('heldSince') ? time(fields, 'heldSince') : undefined;
  return {
    fingerprint,
    gap: fields.string('gap'),
    takenAt: time(fields, 'takenAt'),
    due,
    ...(heldSince === undefined ? {} : { heldSince }),
    ...(event === undefined ? {} : { event }),
  };
}

function time(fields: JsonFields, name: string): Date {
  const text = fields.string(name);
  const value = new Date(text);
  if (!Number.isNaN(value.getTime()) && value.toISOString() === text) return value;
  throw new FormatError(CODE, `marker.${name} is no time`, { found: text.slice(0, 100) });
}
