import { existsSync } from 'node:fs';
import { parseRevocationAuthority, type RevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import { verifySnapshot, type VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { stackOperator } from './stack-operator.ts';
import { trustFor, trustOfStack } from './trust-choice.ts';

/** Where snapshots are put: a file, or the trust root of a running stack. */
export interface PublicationPlace {
  /** For the result. */
  readonly name: string;
  /** How verifiers take it from there. */
  readonly verification: string;
  readonly trustedRoot: TrustedRoot;
  /** Who may revoke by what the place says, as JSON. */
  readonly authority?: string;
  /** What is there now. @throws as `verifySnapshot` */
  current(authority: RevocationAuthority): Promise<VerifiedSnapshot | undefined>;
  /** On return everybody who asks has it, and it is there for good. */
  publish(snapshot: string, authority: string): Promise<void>;
}

const READABLE = 0o644;

/** @throws UsageError USAGE_BAD_FLAG, USAGE_FILE, USAGE_STACK_NOT_RUNNING; as `trustFor` */
export async function publicationPlace(context: CommandContext, http: HttpClient): Promise<PublicationPlace> {
  const { flags } = context;
  if (flags.isGiven('to')) return stackPlace(context, http, flags.required('to'));
  if (flags.boolean('replace-authority')) {
    throw new UsageError('USAGE_BAD_FLAG', '--replace-authority is about the trust root of a stack', {
      expected: '--to DIR as well',
    });
  }
  const path = flags.string('snapshot') ?? 'revocations.json';
  const { trustedRoot } = await trustFor(context, http);
  return {
    name: path,
    verification: `sealwright verify --revocations ${path} --revocation-authority FILE …`,
    trustedRoot,
    current: (authority) =>
      Promise.resolve(existsSync(path) ? verifySnapshot(readTextFile(path), { authority, trustedRoot }) : undefined),
    publish: (snapshot) => {
      writeOutputFile(path, `${snapshot}\n`, READABLE);
      return Promise.resolve();
    },
  };
}

async function stackPlace(context: CommandContext, http: HttpClient, dir: string): Promise<PublicationPlace> {
  const { flags } = context;
  const { operator } = stackOperator(dir, http);
  const { trustedRoot, revocations } = await trustOfStack(context, http, dir);
  return {
    name: dir,
    verification: 'nothing more is needed by whoever trusts this stack',
    trustedRoot,
    ...(revocations === undefined ? {} : { authority: revocations.authority }),
    current: async () =>
      revocations === undefined
        ? undefined
        : verifySnapshot(await revocations.read(), {
            authority: parseRevocationAuthority(revocations.authority),
            trustedRoot,
          }),
    publish: async (snapshot, authority) => {
      await operator.publishRevocations({
        snapshot,
        authority,
        replacesAuthority: flags.boolean('replace-authority'),
      });
      if (flags.isGiven('snapshot')) writeOutputFile(flags.required('snapshot'), `${snapshot}\n`, READABLE);
    },
  };
}
