import { existsSync } from 'node:fs';
import { PublicKey } from '../../core/crypto/public-key.ts';
import {
  encodeRevocationAuthority,
  parseRevocationAuthority,
  type AuthorityMember,
} from '../../core/revocation/revocation-authority.ts';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';

const READABLE = 0o644;

export function makeAuthority(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const members = flags.texts('member').map(parseMember);
  const majority = Math.floor(members.length / 2) + 1;
  const narrow = flags.integer('quorum', 1, members.length) ?? 1;
  const broad = flags.integer('quorum-broad', 1, members.length) ?? Math.max(narrow, majority);
  const relaxing = flags.integer('quorum-relaxing', 1, members.length) ?? broad;
  const snapshotKeys = flags.list('snapshot-key').map((path) => PublicKey.fromPem(readTextFile(path)));
  const path = flags.string('out') ?? 'revocation-authority.json';
  const text = encodeRevocationAuthority({ members, quorum: { narrow, broad, relaxing }, snapshotKeys });
  // As everybody who reads it will.
  parseRevocationAuthority(text);
  if (existsSync(path)) {
    // Verifiers that know the old one would take the new one's statements for a stranger's.
    throw new UsageError('USAGE_WOULD_OVERWRITE', `${path} is there already`, { expected: '--out with another name' });
  }
  writeOutputFile(path, text, READABLE);
  terminal.progress(terminal.done(`${members.length} may revoke: ${members.map(({ name }) => name).join(', ')}`));
  terminal.progress(`  who agree:  an image ${narrow}, anything broader ${broad}, making good again ${relaxing}`);
  terminal.progress(`  next:       sealwright revoke sign --key ann.key --reason '…' --out r1.json IMAGE@sha256:…`);
  terminal.result(path);
  return Promise.resolve();
}

function parseMember(text: string): AuthorityMember {
  const at = text.indexOf('=');
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || value === '') {
    throw new UsageError('USAGE_BAD_FLAG', '--member is not somebody', {
      found: text.slice(0, 100),
      expected: "NAME=FILE with a public key, or 'NAME=SUBJECT;ISSUER'",
    });
  }
  const [subject = '', issuer] = value.split(';');
  if (issuer === undefined) return { name, signer: { kind: 'key', key: PublicKey.fromPem(readTextFile(value)) } };
  const identity = {
    subject: { kind: 'exact', value: subject },
    issuer: { kind: 'exact', value: issuer },
  } as const;
  return { name, signer: { kind: 'identities', identities: [identity] } };
}
