/** One line of the bench table. */
export interface Row {
  readonly name: string
  readonly direct: string
  readonly reached: string
  readonly bar: string
  readonly goal: string
}

/** The bench table as it grows: each row is told on stderr at once, so that a later failure loses none. */
export class Rows {
  readonly #rows: Row[] = []

  push(row: Row): void {
    this.#rows.push(row)
    process.stderr.write(`· ${row.name}: ${row.reached} (direct ${row.direct}, bar ${row.bar})\n`)
  }

  /** Prints the table as Markdown, ready for a note. */
  print(): void {
    console.log('| what | direct | reached | bar | goal |')
    console.log('|---|---|---|---|---|')
    for (const { name, direct, reached, bar, goal } of this.#rows)
      console.log(`| ${name} | ${direct} | ${reached} | ${bar} | ${goal} |`)
  }
}
