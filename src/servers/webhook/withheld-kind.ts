import type { SealwrightError } from '../../errors.ts';
import type { Logger } from '../shell/logger.ts';

/** The kind as the API calls it. */
interface NamedKind {
  readonly resource: string;
  readonly apiVersions: readonly string[];
}

/** A name that a shell takes as it is, in a refusal's JSON or out of it. */
const PLAIN_USER = /User \\?"([A-Za-z0-9:._@-]+)\\?"/;

/** Whether the API server lets us read a kind; told when that changes, and not each time somebody looks. */
export class WithheldKind {
  readonly #kind: NamedKind;
  readonly #logger: Logger | undefined;
  #isWithheld = false;

  constructor(kind: NamedKind, logger: Logger | undefined) {
    this.#kind = kind;
    this.#logger = logger;
  }

  get isWithheld(): boolean {
    return this.#isWithheld;
  }

  /** @param error the API server's refusal, in which it says who we are */
  tell(error: SealwrightError): void {
    if (this.#isWithheld) return;
    this.#isWithheld = true;
    const facts = { kind: this.#kind.resource, error, fix: this.#command(error.facts.found ?? '') };
    this.#logger?.error(facts, 'objects of this kind may not be read; those known stay, and it is tried again');
  }

  isShown(): void {
    if (!this.#isWithheld) return;
    this.#isWithheld = false;
    this.#logger?.info({ kind: this.#kind.resource }, 'objects of this kind may be read again');
  }

  #command(refusal: string): string {
    const { resource, apiVersions } = this.#kind;
    const group = (apiVersions[0] ?? '').split('/')[0] ?? '';
    const role = `sealwright-reads-${resource}`;
    const user = PLAIN_USER.exec(refusal)?.[1] ?? 'USER';
    return (
      `kubectl create clusterrole ${role} --verb=list,watch --resource=${resource}.${group}` +
      ` && kubectl create clusterrolebinding ${role} --clusterrole=${role} --user=${user}`
    );
  }
}
