/** Entry of the command line. Started by `bin/start.cjs`, which sees to it that little is compiled. */
import { runCommandLine } from './command-line.ts';
import { reportFailure } from './terminal/failure.ts';
import { fileSystem } from './terminal/file-system.ts';
import { Terminal } from './terminal/terminal.ts';

const STDOUT = 1;
const STDERR = 2;
const isTerminal = isTerminalAt(STDERR);

/** `node:tty` brings the network stack along, so it is asked only about what could be a terminal: no file, pipe or /dev/null. */
function isTerminalAt(descriptor: number): boolean {
  try {
    const file = fileSystem.fstatSync(descriptor);
    if (!file.isCharacterDevice() || file.rdev === fileSystem.statSync('/dev/null').rdev) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(descriptor);
}

function crash(error: unknown): void {
  const terminal = new Terminal({ environment: process.env, isTerminal, quiet: false });
  process.exit(reportFailure(error, terminal));
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

void runCommandLine({
  arguments: process.argv.slice(2),
  environment: process.env,
  programName: process.argv[1]?.split('/').at(-1) ?? '',
  isTerminal,
  isResultOnTerminal: isTerminalAt(STDOUT),
  exit: (code) => process.exit(code),
}).then((exitCode) => {
  // Everything is written synchronously, so nothing is lost, and no idle connection delays the end.
  process.exit(exitCode);
});
