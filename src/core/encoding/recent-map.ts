/**
 * The values that were used last, up to a number of them: what is looked up or set most recently stays longest. For
 * results that may be kept because what they were computed from never changes and is part of the key.
 */
export class RecentMap<Value> {
  readonly #capacity: number;
  /** A Map keeps the order in which its keys came in; using one moves it to the end. */
  readonly #values = new Map<string, Value>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#capacity) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }
}
