/** One flag of a command. Names are cosign's wherever cosign has one; the grammar is pflag's. */
export interface Flag {
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** A list may be repeated, and splits at commas. */
  readonly kind: 'boolean' | 'string' | 'list';
  /** What stands for the value in help, such as FILE. */
  readonly value?: string;
  /** One line, without a final stop. */
  readonly help: string;
  /** Not cosign's in this command: `COSIGN_NAME` is somebody else's variable then, and changes nothing. */
  readonly isOurs?: true;
  /** Shown by `--help`; the others only by `--help-all`. */
  readonly isCommon?: true;
  readonly aliases?: readonly string[];
  readonly choices?: readonly string[];
  /** For a boolean: giving it gives another one of the command as well. */
  readonly implies?: { readonly name: string; readonly value: boolean };
  /** What a flag that is left out means, for booleans and in help. */
  readonly default?: string | true;
  /** Accepted for scripts written for cosign, hidden from help: says what holds instead. */
  readonly deprecated?: string;
  /** In cosign's mode a text that is none of the choices is taken too: to cosign it is the default. */
  readonly anyInCosign?: true;
  /** In cosign's mode an empty text is refused, as cosign does it for this flag: elsewhere it is none. */
  readonly nonEmptyInCosign?: true;
  /** As `deprecated`, in cosign's mode only: the flag means something here that it does not there. */
  readonly deprecatedInCosign?: string;
}

/** Understood by every command. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: 'help', short: 'h', kind: 'boolean', help: 'this page' },
  { name: 'help-all', kind: 'boolean', help: 'every flag' },
  { name: 'quiet', short: 'q', kind: 'boolean', help: 'no progress on stderr; warnings and errors stay' },
  {
    name: 'verbose',
    short: 'd',
    kind: 'boolean',
    help: 'every HTTP request and answer on stderr, without credentials',
  },
  { name: 'timeout', short: 't', kind: 'string', value: 'DURATION', default: '3m0s', help: 'deadline of the command' },
  {
    name: 'compat',
    kind: 'string',
    value: 'PROGRAM',
    choices: ['cosign', 'none'],
    help: 'behave as this program does, weaknesses included',
  },
  { name: 'output-file', kind: 'string', value: 'FILE', help: 'write the result here instead of to stdout' },
];
