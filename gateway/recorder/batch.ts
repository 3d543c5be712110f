import type { ActionEvent } from '../../workers/contract/action.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { ActionId } from '../../workers/contract/ids.ts'
import { type ActionView, actionView } from '../store/action-view.ts'
import type { ActionDraft, ActionWriter, SampleDraft } from '../store/action-writer.ts'
import { bodySamples, end, ending, frameSample, rule } from './draft.ts'
import type { Drafts } from './drafts.ts'
import type { Redactor } from './redact.ts'

/** An action whose beginning is written and whose end is not. */
export interface OpenAction {
  readonly seq: number
  readonly draft: ActionDraft
  frames: number
}

/** What a batch works with. */
export interface BatchParts {
  readonly writer: ActionWriter
  readonly redactor: Redactor
  /** Longest sample kept, bytes. */
  readonly sampleBytes: number
  readonly open: Map<ActionId, OpenAction>
  readonly drafts: Drafts
}

/** What a committed batch changed. */
export interface BatchResult {
  readonly inserted: number
  readonly updated: number
  /** Events of actions nobody knows, or of those of other flows. */
  readonly orphans: number
  /** Frames beyond what one action may have. */
  readonly cutFrames: number
  readonly finished: readonly ActionView[]
}

/** Frames kept of one action; later ones are counted in its record. */
const mostFrames = 10_000

interface Entry {
  /** null until it is inserted. */
  seq: number | null
  readonly draft: ActionDraft
  readonly samples: SampleDraft[]
  frames: number
  isClosed: boolean
}

/**
 * Merges events into rows: an action that begins and ends in one batch is one INSERT.
 * Nothing outside changes before `committed`, so a batch that fails can be made again.
 */
export class Batch {
  readonly #parts: BatchParts
  readonly #entries = new Map<ActionId, Entry>()
  readonly #strayEnds: { readonly id: ActionId; readonly closed: Extract<ActionEvent, { kind: 'closed' }> }[] = []
  #inserted = 0
  #updated = 0
  #orphans = 0
  #cutFrames = 0

  constructor(parts: BatchParts) {
    this.#parts = parts
  }

  add(event: ActionEvent, flow: Flow | null): void {
    const { redactor, sampleBytes, drafts } = this.#parts
    if (event.kind === 'opened') {
      // the first to begin it has it: what comes later must not take its place
      if (this.#entry(event.action.id) !== null) {
        this.#orphans += 1
        return
      }
      const draft = drafts.of(event, flow, redactor)
      this.#entries.set(event.action.id, { seq: null, draft, samples: [], frames: 0, isClosed: false })
      return
    }
    const entry = this.#entry(event.action)
    const isOfAnother = entry !== null && flow !== null && entry.draft.flow !== flow.id
    if (entry === null || entry.isClosed || isOfAnother) {
      if (event.kind === 'closed' && entry === null) this.#strayEnds.push({ id: event.action, closed: event })
      else this.#orphans += 1
      return
    }
    switch (event.kind) {
      case 'ruled':
        rule(entry.draft, event.ruling, redactor)
        break
      case 'frame':
        entry.frames += 1
        if (entry.frames <= mostFrames) entry.samples.push(frameSample(event, redactor, sampleBytes))
        else this.#cutFrames += 1
        break
      case 'closed':
        end(entry.draft, event, redactor)
        if (entry.frames > mostFrames) entry.draft.error ??= `${entry.frames - mostFrames} frames are not kept`
        entry.samples.push(...bodySamples(event, redactor, sampleBytes))
        entry.isClosed = true
        break
      default:
        event satisfies never
    }
  }

  /** Writes the rows; call between begin and commit. */
  write(): void {
    const { writer, redactor, sampleBytes } = this.#parts
    for (const entry of this.#entries.values()) {
      if (entry.seq === null) {
        entry.seq = writer.insert(entry.draft)
        this.#inserted += 1
      } else {
        writer.update(entry.seq, entry.draft)
        this.#updated += 1
      }
      for (const sample of entry.samples) writer.sample(entry.seq, sample)
    }
    for (const { id, closed } of this.#strayEnds) {
      const seq = writer.close(id, ending(closed, redactor))
      if (seq === null) this.#orphans += 1
      else for (const sample of bodySamples(closed, redactor, sampleBytes)) writer.sample(seq, sample)
    }
  }

  /**
   * The transaction is committed: what is still open is remembered.
   * @param isWatched whether anyone wants to see the finished actions
   */
  committed(isWatched: boolean): BatchResult {
    const { open } = this.#parts
    const finished: ActionView[] = []
    for (const [id, { seq, draft, frames, isClosed }] of this.#entries) {
      if (seq === null) continue
      if (isClosed) {
        open.delete(id)
        if (isWatched) finished.push(actionView({ ...draft, seq }))
      } else open.set(id, { seq, draft, frames })
    }
    return {
      inserted: this.#inserted,
      updated: this.#updated,
      orphans: this.#orphans,
      cutFrames: this.#cutFrames,
      finished,
    }
  }

  #entry(id: ActionId): Entry | null {
    const here = this.#entries.get(id)
    if (here !== undefined) return here
    const before = this.#parts.open.get(id)
    if (before === undefined) return null
    // a copy: the batch may yet fail
    const entry = { ...before, draft: { ...before.draft }, samples: [], isClosed: false }
    this.#entries.set(id, entry)
    return entry
  }
}
