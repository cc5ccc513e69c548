import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { HARDWARE_KEY_FLAGS, KEY_KINDS } from './key-flags.ts';
import { CERTIFICATE_FLAGS, SERVICE_FLAGS, TIMESTAMP_CLIENT_FLAGS } from './service-flags.ts';

/** Whose signature it is to be: a key pair's, or, without one, whoever the identity token names. */
export const SIGNING_FLAGS: readonly Flag[] = [
  { name: 'key', kind: 'string', value: 'KEY', help: `a private key: ${KEY_KINDS}`, isCommon: true },
  ...HARDWARE_KEY_FLAGS,
  {
    name: 'keyless',
    isOurs: true,
    kind: 'boolean',
    help: 'sign with an identity, which is what happens without --key',
    isCommon: true,
  },
  {
    name: 'signing-algorithm',
    nonEmptyInCosign: true,
    kind: 'string',
    value: 'NAME',
    help: 'kind of the fresh key, or how --key signs',
  },
  { name: 'yes', short: 'y', kind: 'boolean', help: 'ask nothing', isCommon: true },
  {
    name: 'no-log',
    isOurs: true,
    kind: 'boolean',
    help: 'log nothing: a key, or a timestamp authority, has to do',
    implies: { name: 'tlog-upload', value: false },
  },
  {
    name: 'offline',
    isOurs: true,
    kind: 'boolean',
    help: 'with --key and --no-log: open no socket but for the registry',
    // Only the services that flags name, and it names none: a key signs by itself.
    implies: { name: 'use-signing-config', value: false },
  },
  {
    name: 'tlog-upload',
    kind: 'boolean',
    default: true,
    help: '--tlog-upload=false logs nothing, whatever the signing config lists',
  },
  {
    name: 'use-signing-config',
    kind: 'boolean',
    default: true,
    help: '=false: only the services that flags name; a key signs by itself',
  },
  ...CERTIFICATE_FLAGS,
  ...SERVICE_FLAGS,
  ...TIMESTAMP_CLIENT_FLAGS,
];

/** Of the commands that work on several images. */
export const SIGNING_WORKERS_FLAG: Flag = {
  name: 'max-workers',
  isOurs: true,
  kind: 'string',
  value: 'N',
  default: '10',
  help: 'how many images are worked on at once',
};

/** More at once would only make services refuse. */
const MAX_WORKERS = 100;
const DEFAULT_WORKERS = 10;

/** @throws UsageError USAGE_BAD_FLAG */
export function maxSigningWorkers({ flags }: CommandContext): number {
  return flags.integer('max-workers', 1, MAX_WORKERS) ?? DEFAULT_WORKERS;
}
