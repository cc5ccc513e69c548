import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError, IntegrityError, UsageError } from '../../errors.ts';

/**
 * What is chosen once for a folder and then kept: issuer, base URLs and image names contain host and port, so another
 * port would be another stack.
 */
export interface StackSettings {
  readonly host: string;
  readonly port: number;
  /** When the folder was first used: the start of every validity window in its trusted root. */
  readonly createdAt: Date;
}

const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 5080;
const SETTINGS_VERSION = 1;

/** @throws IntegrityError STATE_VERSION for settings of a later version; FormatError when they do not parse */
export function parseSettings(text: string): StackSettings {
  const fields = new JsonFields(parseJson(text, 'settings.json'), 'settings', 'FORMAT_JSON');
  const version = fields.integer('version');
  if (version !== SETTINGS_VERSION) {
    throw new IntegrityError('STATE_VERSION', 'the folder was written by another version of Sealwright', {
      found: `settings version ${version}`,
      expected: `version ${SETTINGS_VERSION}`,
    });
  }
  const [port, createdAt] = [fields.integer('port'), new Date(fields.string('createdAt'))];
  if (port < 1 || port > 65535 || Number.isNaN(createdAt.getTime())) {
    throw new FormatError('FORMAT_JSON', 'settings.json holds a port or a time that is none', {
      found: `port ${port}, createdAt ${fields.string('createdAt').slice(0, 40)}`,
      expected: 'a port from 1 to 65535, an ISO 8601 time',
    });
  }
  return { host: fields.string('host'), port, createdAt };
}

export function encodeSettings(settings: StackSettings): string {
  const { host, port, createdAt } = settings;
  return `${JSON.stringify({ version: SETTINGS_VERSION, host, port, createdAt: createdAt.toISOString() }, null, 2)}\n`;
}

/** What the command line asks for. */
export interface AskedAddress {
  readonly host: string | undefined;
  /** 0 means "any free one", which a folder that has one already satisfies. */
  readonly port: number | undefined;
}

/**
 * Where to listen: the folder's own address, else the one asked for, else the default.
 *
 * @throws UsageError USAGE_PORT_CONFLICT when another one than the folder's is asked for
 */
export function chooseAddress(
  kept: StackSettings | undefined,
  asked: AskedAddress,
): { readonly host: string; readonly port: number } {
  if (kept === undefined) return { host: asked.host ?? DEFAULT_HOST, port: asked.port ?? DEFAULT_PORT };
  const isOtherPort = asked.port !== undefined && asked.port !== 0 && asked.port !== kept.port;
  const isOtherHost = asked.host !== undefined && asked.host !== kept.host;
  if (isOtherPort || isOtherHost) {
    throw new UsageError('USAGE_PORT_CONFLICT', 'this folder has its address already', {
      found: isOtherPort ? `--port ${asked.port}` : `--host ${asked.host ?? ''}`,
      expected: `${kept.host}:${kept.port}: issuer, log origin and image names of this folder contain it`,
      fix: 'leave --port and --host out, or use another --dir',
    });
  }
  return { host: kept.host, port: kept.port };
}
