import type { ActionView } from '../store/action-view.ts'

/** One reader of finished actions. Ends when it is disposed of or the bus closes. */
export interface LiveFeed extends AsyncIterable<ActionView>, Disposable {
  /** Actions this reader was too slow for. */
  readonly dropped: number
}

/** Tells whoever listens in this process of actions as they end. Never waits for a reader. */
export class Live implements Disposable {
  readonly #feeds = new Set<Feed>()
  #isClosed = false

  /** @param most actions kept for a slow reader; the oldest are dropped */
  subscribe(most = 1024): LiveFeed {
    const feed = new Feed(most, () => this.#feeds.delete(feed))
    if (this.#isClosed) feed.end()
    else this.#feeds.add(feed)
    return feed
  }

  get readers(): number {
    return this.#feeds.size
  }

  publish(view: ActionView): void {
    for (const feed of this.#feeds) feed.push(view)
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const feed of [...this.#feeds]) feed.end()
  }
}

class Feed implements LiveFeed {
  readonly #most: number
  readonly #leave: () => void
  #queue: ActionView[] = []
  #wake: (() => void) | null = null
  #isOver = false
  dropped = 0

  constructor(most: number, leave: () => void) {
    this.#most = most
    this.#leave = leave
  }

  push(view: ActionView): void {
    this.#queue.push(view)
    if (this.#queue.length > this.#most) {
      this.#queue.shift()
      this.dropped += 1
    }
    this.#wake?.()
  }

  end(): void {
    this.#isOver = true
    this.#leave()
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ActionView> {
    try {
      for (;;) {
        const ready = this.#queue
        this.#queue = []
        yield* ready
        if (this.#queue.length > 0) continue
        if (this.#isOver) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = null
      }
    } finally {
      this.end()
    }
  }

  [Symbol.dispose](): void {
    this.end()
  }
}
