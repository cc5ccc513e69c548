import { UsageError } from '../../errors.ts';

/** What a connection URL says (libpq §34.1.1.2), as far as it is understood here. */
export interface PostgresUrl {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly sslMode: (typeof SSL_MODES)[number];
  /** Certificate authorities in PEM; those of the system when absent. */
  readonly rootCertificateFile?: string;
}

const SSL_MODES = ['verify-full', 'verify-ca', 'disable'] as const;
const PARAMETERS = ['host', 'user', 'sslmode', 'sslrootcert'];
const DEFAULT_PORT = 5432;
const SCHEME = /^postgres(ql)?:\/\//i;

export function isPostgresUrl(text: string): boolean {
  return SCHEME.test(text);
}

/**
 * Strict: what is not understood is refused, and so is a password, which everybody could read in the list of processes. TLS is
 * verified unless the server is on this machine or `sslmode=disable` says that nobody listens in between; libpq's own default
 * goes on in plain text where a server offers nothing better, and its `require` believes whoever answers.
 *
 * @param flag for messages
 * @throws UsageError USAGE_BAD_FLAG; never repeats what stands where a password would
 */
export function parsePostgresUrl(text: string, flag: string): PostgresUrl {
  if (!URL.canParse(text)) throw refused(flag, 'is no URL', 'postgres://USER@HOST/DATABASE');
  const url = new URL(text);
  const parameters = url.searchParams;
  if (url.password !== '' || parameters.has('password')) {
    throw refused(
      flag,
      'holds a password, which everybody on this machine could read',
      'none in the URL',
      `take it out, and give it with --${flag}-password-file FILE, PGPASSWORD or PGPASSFILE`,
    );
  }
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw refused(flag, `has a parameter ${unknown.slice(0, 40)}`, `only ${PARAMETERS.join(', ')}`);
  }
  const host = parameters.get('host') ?? decoded(url.hostname, flag).replace(/^\[(.*)\]$/, '$1');
  const user = parameters.get('user') ?? decoded(url.username, flag);
  const database = decoded(url.pathname.slice(1), flag);
  if (host === '' || user === '' || database === '' || database.includes('/')) {
    throw refused(flag, 'does not say whom to ask, as whom, and for what', 'postgres://USER@HOST/DATABASE');
  }
  const rootCertificateFile = parameters.get('sslrootcert');
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user,
    database,
    sslMode: chosenMode(parameters.get('sslmode'), host, flag),
    ...(rootCertificateFile === null || rootCertificateFile === 'system' ? {} : { rootCertificateFile }),
  };
}

function chosenMode(text: string | null, host: string, flag: string): PostgresUrl['sslMode'] {
  if (text === null) return isThisMachine(host) ? 'disable' : 'verify-full';
  const mode = SSL_MODES.find((name) => name === text);
  if (mode !== undefined) return mode;
  throw refused(
    flag,
    `asks for sslmode=${text.slice(0, 40)}, which does not say for certain who answers`,
    SSL_MODES.join(', '),
  );
}

function isThisMachine(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\.[\d.]+$/.test(host);
}

function decoded(part: string, flag: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refused(flag, 'is not encoded as URLs are', 'percent signs before two hexadecimal digits');
  }
}

function refused(flag: string, what: string, expected: string, fix?: string): UsageError {
  return new UsageError('USAGE_BAD_FLAG', `--${flag} ${what}`, { expected, ...(fix === undefined ? {} : { fix }) });
}
