import { FormatError, LimitError } from '../../errors.ts';
import { parseBase64 } from './base64.ts';

/** One PEM block: its label and the DER bytes inside. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

/** No chain or key file we read comes near this; a larger text is refused before it is scanned. */
const MAX_PEM_CHARACTERS = 1 << 20;
const MAX_PEM_BLOCKS = 64;

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----([^-]*)-----END \1-----/g;

/**
 * All PEM blocks of a text, in order (RFC 7468; explanatory text between blocks is allowed, headers inside are not).
 *
 * @throws FormatError FORMAT_PEM when there is no block, or a block is damaged; LimitError when there is too much
 */
export function parsePem(text: string, what = 'PEM text'): readonly PemBlock[] {
  if (text.length > MAX_PEM_CHARACTERS) {
    throw new LimitError('LIMIT_SIZE', `${what} is too large`, {
      found: `${text.length} characters`,
      expected: `at most ${MAX_PEM_CHARACTERS}`,
    });
  }
  const blocks: PemBlock[] = [];
  for (const match of text.matchAll(BLOCK)) {
    if (blocks.length === MAX_PEM_BLOCKS) {
      throw new LimitError('LIMIT_COUNT', `${what} has more than ${MAX_PEM_BLOCKS} blocks`);
    }
    const label = match[1] ?? '';
    const body = (match[2] ?? '').replace(/[ \t\r\n]/g, '');
    blocks.push({ label, der: parseBase64(body, `${what}, block ${label}`) });
  }
  const begins = text.split('-----BEGIN ').length - 1;
  if (blocks.length === 0 || blocks.length !== begins) {
    throw new FormatError('FORMAT_PEM', `${what} is not well-formed PEM`, {
      found: `${begins} BEGIN lines, ${blocks.length} complete blocks`,
      expected: 'at least one block, each with its END line and no headers (RFC 7468)',
    });
  }
  return blocks;
}

/** One block with lines of 64 characters and a final line feed (RFC 7468 §2). */
export function encodePem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}
