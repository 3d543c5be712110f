// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HCL templates look like that
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closedKinds, labelsOf } from '../declare.ts'
import { parse, parseWhole } from './parse.ts'
import { readPlain } from './plain.ts'

const scope = { references: { endpoint: 2, credential: 2, rule: 1 } as const, closed: ['gateway'] }
const files = (...texts: readonly string[]) =>
  texts.map((text, index) => ({ name: `${index}.hcl`, bytes: Buffer.from(text) }))

// biome-ignore format: a list of cases
const values = [
  '"text"', '""', '"a \'b\' c"', '0', '7', '123456789012345', 'true', 'false', 'https.a', 'bearer_token.k-1', 'rule.r',
  '[]', '[1, "x"]', '[\n    https.a,\n    "b",\n  ]', '[ https.a ]', '"x" # why', '5 // why', 'builtin.dashboard',
  // not plain, or wrong
  '01', '1.50', '-1', '1e3', '5x', '"${https.a}"', '"%{ if true }a%{ endif }"', '"\\n"', '"é"', '"$5"', 'a', 'https.a.b', 'https["a"]', 'null',
  '[[1]]', '[1 2]', '[1,,2]', '[\n1\n,2]', '{ a = 1 }', '{ a = https.a }', '<<T\n}\nT', '<<-T\n  x\n  T', '<<-T\n    a && "b"\n  \\c\n T', '<<T\n  a\n  b\n  T', '<<-T\n\n  x\n\n  T', '<<T\nT', '<<T\n${1}\nT', '<<T\n5%\nT', '<<-T\n\tx\n  T', '<<-T\n  x\nT2\n  T ', '<<T\nT x\nT', '<<-T\n      x\n  T', '1 + 1', 'upper("x")', 'https.zz',
  'true.x', '"a" "b"', '"unclosed', '[for x in ["a"] : x]', '[1, /* c */ 2]', '', '(1)', '!true', '"tab\there"', '"bell\u0007"',
]
// biome-ignore format: a list of cases
const wrong = new Set([
  '5x', 'a', 'https.a.b', '[1 2]', '[1,,2]', 'upper("x")', 'https.zz', 'true.x', '"a" "b"', '"unclosed', '', '!true', '"bell\u0007"', '01', '(1)', '"\\n"', '"%{ if true }a%{ endif }"',
])
const line = fc
  .tuple(
    fc.constantFrom('a', 'b', 'c-d', 'hosts', 'for', 'é', '_x'),
    fc.constantFrom(' = ', '=', '\t=  '),
    fc.constantFrom(...values),
  )
  .map(([name, equals, value]) => `  ${name}${equals}${value}\n`)
const noise = fc.constantFrom(
  '\n',
  '  # note "x" {\n',
  '// }\n',
  '/* a\n}\n*/\n',
  '# é\n',
  '\r\n',
  '  \n',
  '  inner {\n    a = 1\n  }\n',
  '  inner "l" {\n  }\n',
  '  gateway {\n    a = https.a\n  }\n',
)
// biome-ignore format: a list of cases
const header = fc.constantFrom(
  'endpoint "https" "a" {\n', 'endpoint "https" "b" {\n', 'credential "bearer_token" "k-1" {\n', 'rule "r" {\n', 'gateway {\n',
  'rule "é" {\n', 'rule "a" "b" {\n', 'rule r {\n', 'rule  "r" {\n', 'credential "https" "a" {\n', 'rule "${x}" {\n', 'rule "r" { # note\n', 'rule "r" {', 'x {}\n',
)
const block = fc
  .tuple(
    header,
    fc.array(fc.oneof({ weight: 3, arbitrary: line }, noise), { maxLength: 4 }),
    fc.constantFrom('}\n', '}\n', '}\n', '} # end\n', ' }\n', '}', '}\r\n', ''),
  )
  .map(([start, lines, end]) => start + lines.join('') + end)
const document = fc
  .array(fc.oneof({ weight: 4, arbitrary: block }, noise, line), { maxLength: 6 })
  .map((parts) => parts.join(''))

const declared = 'endpoint "https" "a" {\n}\ncredential "bearer_token" "k-1" {\n}\nrule "r" {\n}\n'
const right = values.filter((value) => !wrong.has(value))
/** Documents without a mistake, most of them partly plain and partly not. */
const valid = fc
  .array(
    fc.tuple(
      fc.constantFrom('rule "r" {\n', 'endpoint "https" "c" {\n', 'gateway {\n', 'rule "é" {\n', 'rule "r" { # note\n'),
      fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c-d', 'for', '_x', 'é', 'e'), fc.nat()), {
        selector: ([name]) => name,
        maxLength: 4,
      }),
      fc.constantFrom('', '\n', '  # note\n', '  inner {\n    a1 = [1, "x"]\n  }\n', '/* a\n}\n*/\n', '// é\n'),
      fc.constantFrom('}\n', '} # end\n', ' }\n', '}\r\n'),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((blocks) =>
    blocks.map(([start, lines, between, end]) => {
      const known = start.startsWith('gateway')
        ? right.filter((value) => !/https|bearer|rule|builtin/.test(value))
        : right
      return (
        start + lines.map(([name, pick]) => `  ${name} = ${known[pick % known.length]}\n`).join(between) + between + end
      )
    }),
  )
  .map((blocks) => `schema_version = 1\n${declared}${blocks.join('')}`)

describe('parse()', () => {
  it("says of a file without mistakes what HashiCorp's parser alone says", async () => {
    await fc.assert(
      fc.asyncProperty(valid, async (text) => {
        const whole = await parseWhole(files(text), scope)
        expect(whole.diagnostics).toEqual([])
        expect(await parse(files(text), scope)).toEqual(whole)
      }),
      { numRuns: 50 },
    )
  })

  it("says of any file what HashiCorp's parser alone says", async () => {
    let agreed = 0
    await fc.assert(
      fc.asyncProperty(document, fc.oneof(fc.constant(''), document), async (first, second) => {
        const both = files(first, second)
        expect(await parse(both, scope)).toEqual(await parseWhole(both, scope))
        agreed += 1
      }),
      { numRuns: 50 },
    )
    expect(agreed).toBe(50)
  })

  it('ends a heredoc where the parser does, also at a tag followed by spaces', async () => {
    const one = files('a = <<T\n  x\nT \nb = <<T\n  y\nT\n')
    const whole = await parseWhole(one, scope)
    expect(whole.bodies[0]?.attributes.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(await parse(one, scope)).toEqual(whole)
  })

  it.each(values)('says of the value %j what the parser alone says', async (value) => {
    const one = files(
      `endpoint "https" "a" {\n}\ncredential "bearer_token" "k-1" {\n}\nrule "r" {\n  x = ${value}\n}\n`,
    )
    expect(await parse(one, scope)).toEqual(await parseWhole(one, scope))
  })
})

describe('parse() of the whole language', () => {
  const language = { references: labelsOf, closed: closedKinds }
  const text = `schema_version = 1
defaults {
  unmatched = "deny"
}
plugin "x" {
  source = "./x"
  read_paths = ["/etc"]
}
tunnel "ssh_port_forward" "jump" {
  credential = ssh_key.k
  via = ssh_port_forward.jump
}
credential "ssh_key" "k" {
}
approver "human_approver" "h" {
  channel = ""
  async_grant {
    enabled = true
  }
}
rule "r" {
  approve = [builtin.dashboard, human_approver.h]
  mode = "shadow"
}
`
  it('reads all of it without the parser, and the same as the parser', async () => {
    expect(readPlain(Buffer.from(text), closedKinds).pieces).toEqual([])
    const whole = await parseWhole(files(text), language)
    expect(whole.diagnostics).toEqual([])
    expect(await parse(files(text), language)).toEqual(whole)
  })

  it.each([
    'source = https.a',
    'source = ssh_key.k',
    'version = "1"\n  network = human_approver.h',
  ])('lets a plugin refer to nothing: %s', async (line) => {
    const one = files(text.replace('source = "./x"', line))
    const { diagnostics } = await parse(one, language)
    expect(diagnostics.map(({ summary }) => summary)).toEqual(['Variables not allowed'])
    expect(await parseWhole(one, language)).toEqual(await parse(one, language))
  })
})

describe('readPlain()', () => {
  it('leaves nothing of an ordinary file to the parser, and a template only with its block', () => {
    const plain =
      'schema_version = 1\n\ngateway {\n  wireguard {\n    listen_port = 1\n  }\n}\nrule "a" {\n  x = https.a\n}\n'
    expect(readPlain(Buffer.from(plain), ['gateway']).pieces).toEqual([])
    const template = 'rule "b" {\n  x = "${1}"\n}\n'
    const mixed = readPlain(Buffer.from(plain + template + plain), ['gateway'])
    expect(mixed.pieces).toEqual([[plain.length, plain.length + template.length]])
    expect(mixed.open).toHaveLength(2)
  })
})
