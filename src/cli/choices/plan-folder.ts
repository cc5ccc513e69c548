import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseContacts, type Contact } from '../../core/emergency/emergency-contacts.ts';
import { parseEmergencyPlan, type EmergencyPlan } from '../../core/emergency/emergency-plan.ts';
import { parseDraft, type StatementDraft } from '../../core/emergency/statement-draft.ts';
import { UsageError } from '../../errors.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { DRAFT_FOLDER } from '../report/emergency-page.ts';

export const USUAL_FOLDER = 'emergency-plan';
const PAGE = 'plan.md';
const PLAN = 'plan.json';
const CONTACTS = 'contacts.json';
const RECORDS = 'records';
const READABLE = 0o644;
/** Ways to reach people. */
const PRIVATE = 0o600;

export type KeptDraft = StatementDraft & { readonly isEdited: boolean; readonly file: string };

/** A folder with an emergency plan, or where one is to be. */
export class PlanFolder {
  readonly path: string;
  /** As commands name it, from wherever the folder stands. */
  readonly name: string;

  constructor(path: string) {
    this.path = path;
    this.name = basename(resolve(path));
  }

  /** @throws UsageError USAGE_FILE for a folder without a plan; FormatError FORMAT_PLAN */
  plan(): EmergencyPlan & { readonly isEdited: boolean } {
    const known = this.knownPlan();
    if (known !== undefined) return known;
    throw new UsageError('USAGE_FILE', 'there is no emergency plan in this folder', {
      found: join(this.path, PLAN),
      expected: 'a folder that has one',
      fix: 'sealwright plan init',
    });
  }

  knownPlan(): (EmergencyPlan & { readonly isEdited: boolean }) | undefined {
    const text = this.#read(PLAN);
    return text === undefined ? undefined : parseEmergencyPlan(text);
  }

  /** Undefined where there is none yet. */
  page(): string | undefined {
    return this.#read(PAGE);
  }

  /** @throws FormatError FORMAT_PLAN */
  contacts(): readonly Contact[] {
    const text = this.#read(CONTACTS);
    return text === undefined ? [] : parseContacts(text);
  }

  /** By name. @throws FormatError FORMAT_PLAN, FORMAT_REVOCATION */
  drafts(): readonly KeptDraft[] {
    return this.#files(DRAFT_FOLDER).map((file) => ({ ...parseDraft(readTextFile(join(this.path, file))), file }));
  }

  /** Texts of what was recorded, by file. */
  records(): readonly { readonly file: string; readonly text: string }[] {
    return this.#files(RECORDS).map((file) => ({ file, text: readTextFile(join(this.path, file)) }));
  }

  draftFile(name: string): string {
    return join(DRAFT_FOLDER, `${name}.json`);
  }

  recordFile(name: string): string {
    return join(RECORDS, `${name}.json`);
  }

  /** As another command names it, from where this one runs. */
  recordPath(name: string): string {
    return join(this.path, this.recordFile(name));
  }

  /** Writes what differs, each file whole or not at all. @returns whether it did @throws UsageError USAGE_FILE */
  write(file: string, content: string): boolean {
    if (this.#read(file) === content) return false;
    const path = join(this.path, file);
    try {
      for (const folder of [DRAFT_FOLDER, RECORDS]) mkdirSync(join(this.path, folder), { recursive: true });
    } catch (cause) {
      throw new UsageError('USAGE_FILE', `${this.path} cannot be written`, { expected: 'a folder to write to', cause });
    }
    writeOutputFile(path, content, file === CONTACTS ? PRIVATE : READABLE);
    return true;
  }

  writePage(content: string): boolean {
    return this.write(PAGE, content);
  }

  writePlan(content: string): boolean {
    return this.write(PLAN, content);
  }

  writeContacts(content: string): boolean {
    return this.write(CONTACTS, content);
  }

  remove(file: string): void {
    rmSync(join(this.path, file));
  }

  #read(file: string): string | undefined {
    const path = join(this.path, file);
    return existsSync(path) ? readTextFile(path) : undefined;
  }

  #files(folder: string): readonly string[] {
    const path = join(this.path, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(folder, name));
  }
}
