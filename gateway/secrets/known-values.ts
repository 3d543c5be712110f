/** Values that may be remembered; the oldest are forgotten first. */
const most = 4096

/** Secret values this process has seen, the replaced ones too: they may still be on their way through. */
export class KnownValues {
  readonly #values = new Set<string>()
  #revision = 0

  /** Changes whenever there is a new value. */
  get revision(): number {
    return this.#revision
  }

  list(): readonly string[] {
    return [...this.#values]
  }

  add(values: readonly string[]): void {
    for (const value of values) {
      if (this.#values.has(value)) continue
      this.#values.add(value)
      this.#revision += 1
      const [oldest] = this.#values
      if (this.#values.size > most && oldest !== undefined) this.#values.delete(oldest)
    }
  }
}
