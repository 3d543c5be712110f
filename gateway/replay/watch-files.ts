import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Editors write in several steps: wait this long for the last one, ms. */
const settleMs = 100

/** Tells when files changed. Owns its watchers and its timer. */
export class FileWatch implements Disposable {
  #watchers: FSWatcher[] = []
  #followed = ''
  #names: ReadonlySet<string> = new Set()
  #settling: NodeJS.Timeout | undefined
  #hasChanged = false
  #tell: (() => void) | null = null

  /**
   * Watches these from now on.
   * @param files of which a change counts whatever they are called
   * @param folders in which `.json` and `.hcl` files count, and new directories
   */
  follow(files: readonly string[], folders: readonly string[]): void {
    this.#names = new Set(files.map((file) => basename(file)))
    const all = [...new Set([...files.map((file) => dirname(file)), ...folders])].sort()
    if (all.join('\n') === this.#followed) return
    this.#stop()
    this.#followed = all.join('\n')
    for (const folder of all) this.#watch(folder)
  }

  /** Resolves after the next change, with true; with false once the signal is given. */
  async next(signal: AbortSignal): Promise<boolean> {
    if (!this.#hasChanged && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#tell = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    this.#hasChanged = false
    this.#tell = null
    return !signal.aborted
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#settling)
    this.#stop()
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => this.#noticed(name))
      // a folder that goes away ends its watcher; what is left of it is found when fixtures are read
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // it is not there (any more): reading it says so
    }
  }

  #noticed(name: string | null): void {
    // a name without an ending may be a new directory of fixtures
    if (name !== null && !/(\.(json|hcl)|^[^.]+)$/.test(name) && !this.#names.has(name)) return
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      this.#hasChanged = true
      this.#tell?.()
    }, settleMs)
  }

  #stop(): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
  }
}
