/** Something that is closed when the gateway stops. */
interface Step {
  readonly name: string
  readonly close: () => unknown
}

/** Closes what was opened, the last one first; one that fails or hangs does not keep the others open. */
export class Shutdown {
  readonly #steps: Step[] = []
  readonly #stepMs: number
  readonly #onTrouble: (step: string, error: unknown) => void
  #running: Promise<void> | null = null

  /** @param options.stepMs how long one step may take, ms */
  constructor(options: { readonly stepMs: number; readonly onTrouble: (step: string, error: unknown) => void }) {
    this.#stepMs = options.stepMs
    this.#onTrouble = options.onTrouble
  }

  /** Adds a step; it is run before those added earlier. */
  defer(name: string, close: () => unknown): void {
    this.#steps.push({ name, close })
  }

  /** Adds the disposal of a resource and hands it back. */
  use<T extends AsyncDisposable>(name: string, resource: T): T {
    this.defer(name, () => resource[Symbol.asyncDispose]())
    return resource
  }

  /** Runs every step once; never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#close()
    return this.#running
  }

  async #close(): Promise<void> {
    for (const step of this.#steps.reverse()) {
      try {
        await within(this.#stepMs, Promise.resolve(step.close()))
      } catch (error) {
        this.#onTrouble(step.name, error)
      }
    }
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
