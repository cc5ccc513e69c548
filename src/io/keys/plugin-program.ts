import { spawn } from 'node:child_process';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { RemoteError, SealwrightError, UsageError } from '../../errors.ts';

/** A key service's program, and the key that it is to use. */
export interface PluginKey {
  /** Of `NAME://RESOURCE`. */
  readonly name: string;
  readonly resource: string;
  /** What the program inherits: PATH to find it, and the credentials of its service. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
}

/** Go's crypto.Hash values, as the protocol has them. */
export const GO_HASHES = { sha256: 5, sha384: 6, sha512: 7 } as const;

export type PluginMethod = 'defaultAlgorithm' | 'createKey' | 'publicKey' | 'signMessage';

export interface PluginCall {
  readonly method: PluginMethod;
  readonly hashFunc: (typeof GO_HASHES)[keyof typeof GO_HASHES];
  /** The method's own arguments. */
  readonly arguments: object;
  /** For stdin. */
  readonly data?: Uint8Array;
}

const PROTOCOL = 'v1';
const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 1 << 20;
/** As the protocol's own client fills it in. */
export const NO_RPC_OPTIONS = { keyVersion: '', remoteVerification: false };

/**
 * Calls a key service's program once: `sigstore-kms-NAME v1 JSON`, data on stdin, JSON on stdout, its own words on stderr
 * (sigstore/sigstore, pkg/signature/kms/cliplugin). Errors travel in the JSON; the exit status says nothing.
 *
 * @returns the method's member of the answer
 * @throws UsageError USAGE_BAD_FLAG when there is no such program; RemoteError REMOTE_STATUS for what it complains about,
 *   REMOTE_BODY for an answer that is none, REMOTE_TIMEOUT
 */
export async function callPlugin(key: PluginKey, call: PluginCall): Promise<JsonFields> {
  const timeoutMs = key.timeoutMs ?? TIMEOUT_MS;
  const request = {
    initOptions: {
      protocolVersion: PROTOCOL,
      keyResourceID: key.resource,
      hashFunc: call.hashFunc,
      rpcOptions: NO_RPC_OPTIONS,
    },
    methodName: call.method,
    [call.method]: call.arguments,
  };
  const output = await run(key, [PROTOCOL, JSON.stringify(request)], call.data ?? new Uint8Array(0), timeoutMs);
  try {
    const answer = new JsonFields(
      parseJson(output, 'the answer', 'FORMAT_JSON', { maxBytes: MAX_ANSWER_BYTES, maxDepth: 8 }),
      'answer',
      'FORMAT_JSON',
    );
    const complaint = answer.optionalString('errorMessage') ?? '';
    if (complaint !== '') {
      throw new RemoteError('REMOTE_STATUS', `${program(key)} could not do ${call.method}`, {
        found: complaint.slice(0, 500),
        expected: `${call.method} for the key ${key.resource.slice(0, 200)}`,
      });
    }
    return answer.object(call.method);
  } catch (cause) {
    if (!(cause instanceof SealwrightError) || cause instanceof RemoteError) throw cause;
    throw new RemoteError('REMOTE_BODY', `${program(key)} gave an answer that cannot be used`, {
      found: output.length === 0 ? 'nothing on stdout' : cause.message,
      expected: `JSON with ${call.method} on stdout (protocol ${PROTOCOL})`,
      cause,
    });
  }
}

/** @throws RemoteError REMOTE_BODY for what is no base64 of some bytes */
export function pluginBytes(key: PluginKey, answer: JsonFields, member: string): Uint8Array {
  try {
    return answer.bytes(member);
  } catch (cause) {
    if (!(cause instanceof SealwrightError)) throw cause;
    throw new RemoteError('REMOTE_BODY', `${program(key)} gave an answer that cannot be used`, {
      found: cause.message,
      expected: `${member} in base64`,
      cause,
    });
  }
}

function program({ name }: PluginKey): string {
  return `sigstore-kms-${name}`;
}

function run(key: PluginKey, args: readonly string[], data: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(program(key), args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: key.environment,
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    let failure: RemoteError | undefined;
    const stop = (error: RemoteError): void => {
      failure ??= error;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => {
      stop(
        new RemoteError('REMOTE_TIMEOUT', `${program(key)} did not answer`, {
          found: `nothing within ${timeoutMs / 1000} s`,
          expected: 'an answer on stdout, and its end',
        }),
      );
    }, timeoutMs);
    child.stdout.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) {
        stop(
          new RemoteError('REMOTE_BODY', `${program(key)} gave an answer that cannot be used`, {
            found: `more than ${MAX_ANSWER_BYTES} bytes`,
            expected: 'JSON with a signature or a key',
          }),
        );
      }
    });
    // A program that needs no data may end before it has read any.
    child.stdin.on('error', () => undefined);
    child.stdin.end(data);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(notRunnable(key, cause));
    });
    child.once('close', () => {
      clearTimeout(timer);
      if (failure === undefined) resolve(Buffer.concat(chunks));
      else reject(failure);
    });
  });
}

function notRunnable(key: PluginKey, cause: Error): UsageError {
  const code = 'code' in cause ? String(cause.code) : cause.message;
  return new UsageError('USAGE_BAD_FLAG', `nothing here speaks to the key service ${key.name}`, {
    found: code === 'ENOENT' ? `no program ${program(key)} on the search path` : `${program(key)}: ${code}`,
    expected: `the program ${program(key)}, which speaks Sigstore's plug-in protocol for this service`,
    fix: `install ${program(key)} into a folder of PATH`,
    cause,
  });
}
