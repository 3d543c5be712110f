import { describe, expect, it } from 'vitest'
import { expandSecrets, secretText } from './secret-text.ts'

const secretNamed = (name: string) => ({ A: 'one', 'b-2': '$& {{secret:A}}' })[name] ?? null

describe('expandSecrets()', () => {
  it('puts every secret in its place, once and as it is', () => {
    expect(expandSecrets('{{secret:A}}-{{secret:b-2}}', secretNamed)).toEqual({ text: 'one-$& {{secret:A}}' })
    expect(expandSecrets('tskey-plain', secretNamed)).toEqual({ text: 'tskey-plain' })
  })

  it('names each secret that is missing, once', () => {
    expect(expandSecrets('{{secret:X}}{{secret:A}}{{secret:Y}}{{secret:X}}', secretNamed)).toEqual({
      missing: ['X', 'Y'],
    })
  })
})

describe('secretText()', () => {
  it.each(['', 'tskey-1', '{{secret:A}}', 'x{{secret:A.b-c_9}}y'])('takes %j', (value) => {
    expect(secretText().safeParse(value).success).toBe(true)
  })

  it.each(['a b', '{{secret:}}', '{{env:A}}', '{{secret:A}', 'a\n'])('refuses %j without quoting it', (value) => {
    const message = secretText().safeParse(value).error?.issues[0]?.message
    expect(message).toMatch(/^must be a key, or \{\{secret:NAME\}\}/)
  })
})
