import { existsSync, readFileSync } from 'node:fs';
import { encodeStackRevocations, type RevocationDocuments } from '../../core/revocation/stack-revocations.ts';
import { writeDurableFile } from '../../io/files/durable-file.ts';

/** What the trust root tells, as a file for those who trust the folder itself. Rewritten only when it changes. */
export async function keepRevocationDocuments(path: string, documents: RevocationDocuments | undefined): Promise<void> {
  if (documents === undefined) return;
  const text = encodeStackRevocations(documents);
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) await writeDurableFile(path, text);
}
