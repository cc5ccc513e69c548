import { openSync } from 'node:fs';
import process from 'node:process';
import { ReadStream, isatty } from 'node:tty';
import { UsageError } from '../../errors.ts';
import type { PasswordPrompt } from '../../io/keys/password.ts';
import { holdStatusLine } from './terminal.ts';

const STDIN = 0;
const MAX_PASSWORD_CHARACTERS = 4096;

/**
 * cosign's order (cosign.md §2.1): a terminal is asked, twice where a mistyped password would lock a key away; otherwise the
 * whole of stdin is the password, its line feed included.
 */
export const askPassword: PasswordPrompt = async ({ what, confirm }) => {
  if (!isatty(STDIN)) return readAll(what);
  const password = await askTerminal(`Password for ${what}: `);
  if (confirm && (await askTerminal(`The same again: `)) !== password) {
    throw new UsageError('USAGE_PASSWORD', 'the two passwords differ', { expected: 'the same one twice' });
  }
  return password;
};

async function readAll(what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  const password = Buffer.concat(chunks).toString('utf8');
  if (password !== '') return password;
  throw new UsageError('USAGE_PASSWORD', `no password for ${what}`, {
    found: 'no COSIGN_PASSWORD in the environment, and nothing on stdin',
    expected: 'a password; COSIGN_PASSWORD may be empty',
    fix: 'set COSIGN_PASSWORD',
  });
}

/** Reads one line from the terminal itself without showing it. */
function askTerminal(question: string): Promise<string> {
  const descriptor = openSync('/dev/tty', 'r');
  const input = new ReadStream(descriptor);
  const release = holdStatusLine();
  process.stderr.write(question);
  input.setRawMode(true);
  input.setEncoding('utf8');
  return new Promise<string>((resolve, reject) => {
    let typed = '';
    const end = (finish: () => void): void => {
      input.setRawMode(false);
      input.destroy();
      release();
      process.stderr.write('\n');
      finish();
    };
    input.on('data', (text: string) => {
      for (const character of text) {
        if (character === '\r' || character === '\n' || character === '\u0004') {
          end(() => {
            resolve(typed);
          });
          return;
        }
        if (character === '\u0003') {
          end(() => {
            reject(new UsageError('USAGE_PASSWORD', 'no password was given', { found: 'Ctrl-C' }));
          });
          return;
        }
        typed = character === '\u007f' ? typed.slice(0, -1) : (typed + character).slice(0, MAX_PASSWORD_CHARACTERS);
      }
    });
    input.on('error', reject);
  });
}
