export interface StoredObject {
  /** Relative path of lower-case segments, as in the log's URLs: `tile/0/000.p/3`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a batch makes visible together. */
export interface ObjectBatch {
  /** Immutable: a name never changes its bytes. */
  readonly objects: readonly StoredObject[];
  /** The one mutable object. It replaces its predecessor when all of `objects` are visible, never before. */
  readonly pointer: StoredObject;
}

/** Objects that are durable where no reader sees them. */
export interface StagedObjects {
  /**
   * Makes them visible under their names, then the pointer. Each is whole or absent, also after a power cut. Repeating it
   * after a crash does no harm: the same bytes already there are fine.
   *
   * @throws IntegrityError STATE_CORRUPT when other bytes have one of the names; the pointer is then left as it was
   */
  place(): Promise<void>;

  /** Drops them without a trace. */
  discard(): Promise<void>;
}

/**
 * Objects as readers see them. Whatever throws STATE_UNAVAILABLE may have happened or not; placing again settles it.
 */
export interface ObjectStore {
  /** The bytes of an object; undefined when there is none. Failing to find out throws. */
  read(name: string): Promise<Uint8Array | undefined>;

  /** Starts at once; a caller may do other work, such as the commit, before it awaits. */
  stage(batch: ObjectBatch): Promise<StagedObjects>;

  /** On return everything placed before is durable. A flush that failed once never succeeds again on this object. */
  flush(): Promise<void>;

  /** Removes every object below a folder, for good or not: only for what nobody needs any more. */
  removeFolder(name: string): Promise<void>;

  close(): Promise<void>;
}
