/** A variable of the environment that changes what commands do, beside the `COSIGN_NAME` of each flag. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly about: string;
  readonly expects: string;
  /** Its value is a credential. */
  readonly isSensitive?: true;
  /** cosign reads it and nothing here does: what holds instead. */
  readonly unread?: string;
}

const TRUSTED_ROOT = 'name the trusted root instead: --trusted-root, or initialize';
const NO_TOKEN_HARDWARE = 'keys in hardware are reached through a plug-in program (--key sigstore-kms scheme)';

/** By name. cosign's own come with it; a test holds every other one to a place that reads it. */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  {
    name: 'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    about: 'credential for asking GitHub Actions for an identity token',
    expects: 'a bearer token',
    isSensitive: true,
  },
  { name: 'ACTIONS_ID_TOKEN_REQUEST_URL', about: 'where GitHub Actions hands out identity tokens', expects: 'a URL' },
  {
    name: 'BUILDKITE_AGENT_ACCESS_TOKEN',
    about: 'credential of the Buildkite agent',
    expects: 'a token',
    isSensitive: true,
  },
  {
    name: 'BUILDKITE_AGENT_ENDPOINT',
    about: 'where the Buildkite agent is spoken to',
    expects: 'a URL',
  },
  {
    name: 'BUILDKITE_AGENT_LOG_LEVEL',
    about: 'how much the Buildkite agent logs',
    expects: 'debug, notice, info, error, warn or fatal',
    unread: 'nothing here runs the agent',
  },
  {
    name: 'BUILDKITE_JOB_ID',
    about: 'the Buildkite job to ask an identity token for',
    expects: 'a job ID',
  },
  {
    name: 'COSIGN_DOCKER_MEDIA_TYPES',
    about: "Docker's media types instead of OCI's",
    expects: '1',
  },
  {
    name: 'COSIGN_EXPERIMENTAL',
    about: 'storage by referrers as it was before bundles, for SBOMs',
    expects: '1',
  },
  {
    name: 'COSIGN_MAX_ATTACHMENT_SIZE',
    about: 'largest attachment to download',
    expects: 'a size such as 20K, 45MiB or 1GB',
  },
  {
    name: 'COSIGN_PASSWORD',
    about: 'the password of private keys, which nobody is asked for then',
    expects: 'a password; it may be empty',
    isSensitive: true,
  },
  {
    name: 'COSIGN_PKCS11_IGNORE_CERTIFICATE',
    about: 'load no certificate from a PKCS #11 module',
    expects: '1',
    unread: NO_TOKEN_HARDWARE,
  },
  { name: 'COSIGN_PKCS11_MODULE_PATH', about: 'the PKCS #11 module', expects: 'a path', unread: NO_TOKEN_HARDWARE },
  {
    name: 'COSIGN_PKCS11_PIN',
    about: 'PIN for the PKCS #11 module',
    expects: 'a PIN',
    isSensitive: true,
    unread: NO_TOKEN_HARDWARE,
  },
  {
    name: 'COSIGN_REPOSITORY',
    about: 'where signatures are kept, instead of beside the image',
    expects: 'a repository',
  },
  {
    name: 'DOCKER_CONFIG',
    about: "the folder of Docker's configuration, which holds registry credentials",
    expects: 'a folder',
  },
  { name: 'GITHUB_API_URL', about: "the API of a GitHub instance, for an audit's ticket", expects: 'a URL' },
  {
    name: 'GITHUB_HOST',
    about: 'a GitHub Enterprise instance',
    expects: 'a URL',
    unread: 'no key is stored at GitHub',
  },
  {
    name: 'GITHUB_TOKEN',
    about: 'credential for GitHub',
    expects: 'a token',
    isSensitive: true,
  },
  { name: 'GITLAB_HOST', about: 'a GitLab instance', expects: 'a URL' },
  {
    name: 'GITLAB_TOKEN',
    about: 'credential for GitLab',
    expects: 'a token',
    isSensitive: true,
  },
  {
    name: 'GOOGLE_SERVICE_ACCOUNT_NAME',
    about: 'the Google service account to take an identity token of',
    expects: 'an account name',
  },
  { name: 'JIRA_EMAIL', about: 'whose token JIRA_TOKEN is, for Jira Cloud', expects: 'an e-mail address' },
  {
    name: 'JIRA_TOKEN',
    about: 'credential for Jira',
    expects: 'a token',
    isSensitive: true,
  },
  { name: 'JIRA_URL', about: 'a Jira instance', expects: 'a URL' },
  {
    name: 'PGPASSFILE',
    about: 'password file for the database of `webhook --evidence`',
    expects: 'a file with mode 0600; ~/.pgpass when absent',
  },
  {
    name: 'PGPASSWORD',
    about: 'password for the database of `webhook --evidence`',
    expects: 'a password',
    isSensitive: true,
  },
  { name: 'SEALWRIGHT_COMPAT', about: 'behave as this program does, weaknesses included', expects: 'cosign or none' },
  { name: 'SEALWRIGHT_DIR', about: 'the stack to trust', expects: 'a folder' },
  {
    name: 'SIGSTORE_CT_LOG_PUBLIC_KEY_FILE',
    about: 'the key of the certificate transparency log',
    expects: 'a file',
    unread: TRUSTED_ROOT,
  },
  { name: 'SIGSTORE_ID_TOKEN', about: 'an identity token to sign with', expects: 'a token', isSensitive: true },
  {
    name: 'SIGSTORE_REKOR_PUBLIC_KEY',
    about: 'the key of the transparency log',
    expects: 'a file',
    unread: TRUSTED_ROOT,
  },
  {
    name: 'SIGSTORE_ROOT_FILE',
    about: "the certificate authority's certificates",
    expects: 'a file',
    unread: TRUSTED_ROOT,
  },
  {
    name: 'SIGSTORE_TSA_CERTIFICATE_FILE',
    about: "the timestamp authority's certificates",
    expects: 'a file',
    unread: TRUSTED_ROOT,
  },
  {
    name: 'SOURCE_DATE_EPOCH',
    about: 'the time to write into what is built again',
    expects: 'seconds since 1970',
    unread: 'what is written holds no time of this machine',
  },
  {
    name: 'SPIFFE_ENDPOINT_SOCKET',
    about: 'where SPIFFE hands out identity tokens',
    expects: 'a socket',
  },
  { name: 'TUF_MIRROR', about: 'the TUF repository to take trust from', expects: 'a URL' },
  { name: 'TUF_ROOT', about: 'the folder of cached trust metadata', expects: 'a folder' },
  { name: 'TUF_ROOT_JSON', about: 'the first root of TUF_MIRROR', expects: 'a file' },
];
