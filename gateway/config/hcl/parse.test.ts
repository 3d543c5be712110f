// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HCL templates look like that
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { literalOffsets } from './literal.ts'
import { parse } from './parse.ts'
import { sourceOf } from './position.ts'
import type { Body, Value } from './syntax.ts'

const scope = { references: { endpoint: 2, rule: 1 } as const, closed: ['gateway'] }
const file = (text: string, name = 'a.hcl') => ({ name, bytes: Buffer.from(text) })
const evaluate = async (text: string): Promise<Value | undefined> => {
  const { bodies } = await parse([file(`${text}\n`)], scope)
  return bodies[0]?.attributes[0]?.value
}

describe('parse()', () => {
  it('keeps the kind of what a reference names, also through lists and conditionals', async () => {
    const { bodies } = await parse(
      [file('endpoint "https" "a" {\n}\nx = [https.a, true ? https.a : "", "a"]\n')],
      scope,
    )
    const list = bodies[0]?.attributes[0]?.value
    const refs = list?.kind === 'list' ? list.items.map((item) => (item.kind === 'string' ? item.refs : null)) : []
    const reference = [{ kind: 'endpoint', type: 'https' }]
    expect(refs).toEqual([reference, reference, undefined])
  })

  it('forgets it for text composed from a reference', async () => {
    const { bodies } = await parse([file('endpoint "https" "a" {\n}\nx = "${https.a}.suffix"\n')], scope)
    expect(bodies[0]?.attributes[0]?.value).toEqual({ kind: 'string', value: 'a.suffix', at: expect.anything() })
  })

  it('names what is not an identifier by index', async () => {
    const { bodies, diagnostics } = await parse(
      [file('endpoint "https" "my host" {\n}\nx = https["my host"]\n')],
      scope,
    )
    expect(diagnostics).toEqual([])
    expect(bodies[0]?.attributes[0]?.value).toMatchObject({ value: 'my host' })
  })

  it('evaluates pure expressions and has no functions', async () => {
    expect(await evaluate('x = join("-", [for n in ["a", "b"] : "${n}!"])')).toMatchObject({ kind: 'unknown' })
    expect(await evaluate('x = [for n in ["a", "b"] : "${n}!"]')).toMatchObject({
      items: [{ value: 'a!' }, { value: 'b!' }],
    })
    expect(await evaluate('x = 1 + 2 * 3')).toMatchObject({ kind: 'number', value: '7' })
  })

  it('refers across files and tells which file a problem is in', async () => {
    const files = [file('x = https.a\ny = https.b\n', 'x.hcl'), file('endpoint "https" "a" {\n}\n', 'y.hcl')]
    const { bodies, diagnostics } = await parse(files, scope)
    expect(bodies[0]?.attributes[0]?.value).toMatchObject({ value: 'a', refs: [{ kind: 'endpoint', type: 'https' }] })
    expect(diagnostics).toMatchObject([{ file: 0, at: [21, 23] }])
  })

  it('collects the syntax errors of all files', async () => {
    const { bodies, diagnostics } = await parse([file('x =\n', 'x.hcl'), file('y = {\n', 'y.hcl')], scope)
    expect(bodies).toEqual([])
    expect(new Set(diagnostics.map((each) => each.file))).toEqual(new Set([0, 1]))
  })

  it('says so when a file is nested beyond reason', async () => {
    await expect(parse([file(`x = ${'['.repeat(200_000)}`)], scope)).rejects.toThrow(/nested too deeply|gave up/)
  })

  it('reads a large file in pieces exactly as a whole one', async () => {
    const tricky = [
      'rule "plain" {\n  a = 1\n}\n',
      'rule "heredoc" {\n  a = <<T\n}\nrule "inside" {\n}\nT\n}\n',
      '/* a comment\n}\n rule "no" {\n}\n*/\n',
      'rule "é" {\n  a = "ü\\n${"x"}"\n}\n',
      'rule "list" {\n  a = [\n    {\n      b = 1\n}\n  ]\n}\n',
    ]
    const alone = new Map(await Promise.all(tricky.map(async (part) => [part, await blocksOf(part)] as const)))
    const order = fc.array(fc.constantFrom(...tricky), { minLength: 4000, maxLength: 5000, size: 'max' })
    await fc.assert(
      fc.asyncProperty(order, async (parts) => {
        const text = parts.join('')
        const { bodies, diagnostics } = await parse([file(text)], scope)
        expect(diagnostics).toEqual([])
        // each block of the large file is what the block alone is, moved
        let at = 0
        const expected: Body['blocks'][number][] = []
        for (const part of parts) {
          for (const block of alone.get(part) ?? []) expected.push(moved(block, at))
          at += Buffer.byteLength(part)
        }
        expect(bodies[0]?.blocks).toEqual(expected)
      }),
      { numRuns: 3 },
    )

    async function blocksOf(part: string) {
      return (await parse([file(part)], scope)).bodies[0]?.blocks ?? []
    }
    function moved<T>(node: T, by: number): T {
      if (Array.isArray(node)) {
        const isSpan = node.length === 2 && node.every((each) => typeof each === 'number')
        return (isSpan ? node.map((each: number) => each + by) : node.map((each) => moved(each, by))) as T
      }
      if (typeof node !== 'object' || node === null) return node
      return Object.fromEntries(Object.entries(node).map(([key, each]) => [key, moved(each, by)])) as T
    }
  })
})

describe('literalOffsets()', () => {
  const offsets = async (text: string) => {
    const value = await evaluate(text)
    if (value?.kind !== 'string') throw new Error('not a string')
    const bytes = Buffer.from(`${text}\n`)
    const found = literalOffsets(bytes, value.at, value.value)
    // what stands at each place of the value, read back from the file
    return found === null
      ? null
      : [...value.value].map((char, index) => [char, bytes.toString('utf8', found[index], found[index + 1])])
  }

  it('follows plain text, multi-byte characters and every escape of a quoted string', async () => {
    const found = await offsets('x = "aé\\n\\"\\\\\\u00e9\\t$${b}%%{c}"')
    expect(found?.slice(0, 7)).toEqual([
      ['a', 'a'],
      ['é', 'é'],
      ['\n', '\\n'],
      ['"', '\\"'],
      ['\\', '\\\\'],
      ['é', '\\u00e9'],
      ['\t', '\\t'],
    ])
  })

  it('follows a heredoc, indented or not', async () => {
    for (const text of ['x = <<T\n  a &&\n    é $${x}\nT', 'x = <<-T\n  a &&\n    é $${x}\n  T']) {
      const found = await offsets(text)
      const plain = found?.filter(([char]) => char !== '$')
      expect(plain?.length).toBeGreaterThan(8)
      for (const [char, written] of plain ?? []) expect(written?.startsWith(char ?? '')).toBe(true)
    }
  })

  it('gives up on text composed of parts', async () => {
    expect(await offsets('x = "a${1}b"')).toBeNull()
    expect(await offsets('x = true ? "a" : "b"')).toBeNull()
  })
})

describe('sourceOf()', () => {
  it('counts lines and characters as a reader does', () => {
    const source = sourceOf(file('a\n👩‍👩‍👧é = x\r\nlast'))
    const at = Buffer.from('a\n👩‍👩‍👧é = ').length
    expect(source.place([at, at + 1])).toEqual({ file: 'a.hcl', line: 2, column: 6, endLine: 2, endColumn: 7 })
    expect(source.line(2)).toBe('👩‍👩‍👧é = x')
    expect(source.place([9999, 9999])).toMatchObject({ line: 3, column: 5 })
    expect(source.line(9)).toBe('')
  })
})
