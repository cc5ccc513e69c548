/** A program with a terminal in front of it: stdin, stdout and stderr are one, as in a shell. Made by Python's `pty`. */
import { spawn, spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { inCi } from './peers.ts';
import { skipAloud } from './shared.ts';

export interface Shown {
  readonly exitCode: number;
  /** Everything that was written to the terminal, with what was typed echoed, and its control characters. */
  readonly screen: string;
}

/** A terminal as wide as most; the answer is typed when the question is seen. argv: question, answer, program, arguments. */
const PYTHON = `
import fcntl, os, pty, select, struct, sys, termios
question, answer = sys.argv[1].encode(), sys.argv[2].encode()
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 120, 0, 0))
shown, typed = b'', False
out = sys.stdout.buffer
while select.select([terminal], [], [], 60)[0]:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    out.write(piece)
    out.flush()
    if question and not typed and question in shown:
        os.write(terminal, answer)
        typed = True
os.close(terminal)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
`;

export interface TerminalOptions {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What is typed, and after which words. */
  /** Told of the screen as it fills. */
  readonly onScreen?: (screen: string) => void;
  readonly typed?: { readonly after: string; readonly text: string };
}

/** Whether there can be a terminal; without one the test is skipped aloud, and fails under CI. */
export function hasTerminal(t: TestContext): boolean {
  const { status } = spawnSync('python3', ['-c', 'import pty, os; os.waitstatus_to_exitcode']);
  if (status === 0) return true;
  if (inCi()) throw new Error('python3 (3.9 or later) is not installed, and CI skips nothing');
  skipAloud(t, 'python3 is not installed', 'apt install python3');
  return false;
}

export function inTerminal(
  program: string,
  args: readonly string[],
  { cwd, environment, onScreen, typed }: TerminalOptions,
): Promise<Shown> {
  const { after = '', text = '' } = typed ?? {};
  const child = spawn('python3', ['-c', PYTHON, after, text, program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    screen += piece;
    onScreen?.(screen);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ exitCode: code ?? 128, screen });
    });
  });
}
