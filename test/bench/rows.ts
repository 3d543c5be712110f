/** One line of the bench table. */
export interface Row {
  readonly name: string
  readonly direct: string
  readonly reached: string
  readonly bar: string
  readonly goal: string
}

/** Prints the table as Markdown, ready for a note. */
export function printRows(rows: readonly Row[]): void {
  console.log('| what | direct | reached | bar | goal |')
  console.log('|---|---|---|---|---|')
  for (const row of rows) console.log(`| ${row.name} | ${row.direct} | ${row.reached} | ${row.bar} | ${row.goal} |`)
}
