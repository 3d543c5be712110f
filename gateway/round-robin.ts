/** A queue that serves its groups in turn, however many items one of them has waiting. */
export class RoundRobin<Group, Item> {
  readonly #mostOfGroup: number
  /** In the order they are served; a group without items is not in it. */
  readonly #groups = new Map<Group, Item[]>()

  /** @param mostOfGroup items of one group that may wait */
  constructor(mostOfGroup: number) {
    this.#mostOfGroup = mostOfGroup
  }

  /** False when the group has no room left. */
  push(group: Group, item: Item): boolean {
    const items = this.#groups.get(group)
    if (items === undefined) this.#groups.set(group, [item])
    else if (items.length < this.#mostOfGroup) items.push(item)
    else return false
    return true
  }

  /** The next item; null when none waits. Its group goes to the end. */
  shift(): Item | null {
    for (const [group, [first, ...rest]] of this.#groups) {
      this.#groups.delete(group)
      if (rest.length > 0) this.#groups.set(group, rest)
      if (first !== undefined) return first
    }
    return null
  }

  remove(group: Group, item: Item): void {
    const rest = this.#groups.get(group)?.filter((each) => each !== item) ?? []
    if (rest.length > 0) this.#groups.set(group, rest)
    else this.#groups.delete(group)
  }
}
