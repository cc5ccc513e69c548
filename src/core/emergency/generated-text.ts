import { sha256 } from '../crypto/digest.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { isObject } from '../attestation/json-kind.ts';
import { parseJson, type JsonObject } from '../encoding/json.ts';
import { JsonFields } from '../encoding/json-fields.ts';

/** A part of a page that a machine wrote. */
export interface GeneratedBlock {
  readonly name: string;
  /** Markdown, without a line of marks in it. */
  readonly text: string;
}

/** What a page has of a block: as it was generated, or changed since. */
export interface FoundBlock extends GeneratedBlock {
  readonly isEdited: boolean;
  readonly start: number;
  readonly end: number;
}

const BEGIN = /^<!-- sealwright:begin ([a-z-]{1,40}) ([0-9a-f]{16}) -->\n/gm;
const CODE = 'FORMAT_PLAN';
const LIMITS = { maxBytes: 4 << 20, maxDepth: 16 };
const MARK = 'generated';

/** With marks around it that say whether it is still what was generated. */
export function encodeBlock({ name, text }: GeneratedBlock): string {
  return `<!-- sealwright:begin ${name} ${digestOf(text)} -->\n${text}\n${endOf(name)}\n`;
}

/** The blocks of a page, in order. One without an end is none: its text is somebody's own. */
export function findBlocks(page: string): readonly FoundBlock[] {
  return [...page.matchAll(BEGIN)].flatMap((match) => {
    const [marks, name = '', digest = ''] = match;
    const from = match.index + marks.length;
    const end = `\n${endOf(name)}\n`;
    const to = page.indexOf(end, from);
    if (to < 0) return [];
    const text = page.slice(from, to);
    return [{ name, text, isEdited: digestOf(text) !== digest, start: match.index, end: to + end.length }];
  });
}

/**
 * A page with its blocks renewed, and everything else as it was, to the byte.
 *
 * @returns the page, and the names of blocks that are not in it: somebody has taken them out
 */
export function renewBlocks(
  page: string,
  blocks: readonly GeneratedBlock[],
): { readonly page: string; readonly absent: readonly string[] } {
  const found = findBlocks(page);
  let renewed = page;
  // From the end, so that the places of those before it stay true.
  for (const { name, start, end } of [...found].reverse()) {
    const block = blocks.find((one) => one.name === name);
    if (block !== undefined) renewed = renewed.slice(0, start) + encodeBlock(block) + renewed.slice(end);
  }
  const absent = blocks.filter(({ name }) => !found.some((one) => one.name === name)).map(({ name }) => name);
  return { page: renewed, absent };
}

/** A document of ours that says whether it is still what was generated. */
export function encodeGenerated(document: JsonObject): string {
  return `${JSON.stringify({ ...document, [MARK]: digestOf(JSON.stringify(document)) }, undefined, 2)}\n`;
}

/** @throws FormatError FORMAT_PLAN for what is no such document; LimitError */
export function openGenerated(
  input: Uint8Array | string,
  what: string,
): { readonly fields: JsonFields; readonly isEdited: boolean } {
  const value = parseJson(input, what, CODE, LIMITS);
  const fields = new JsonFields(value, what, CODE);
  const digest = fields.string(MARK);
  const rest = Object.fromEntries(Object.entries(isObject(value) ? value : {}).filter(([name]) => name !== MARK));
  return { fields: new JsonFields(rest, what, CODE), isEdited: digest !== digestOf(JSON.stringify(rest)) };
}

function endOf(name: string): string {
  return `<!-- sealwright:end ${name} -->`;
}

function digestOf(text: string): string {
  return encodeHex(sha256(utf8(text))).slice(0, 16);
}
