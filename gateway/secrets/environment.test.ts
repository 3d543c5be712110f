import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { secretVariable, withoutLineEnd, withoutSecrets } from './environment.ts'
import { keyBytes, seal, unseal } from './seal.ts'

describe('secretVariable()', () => {
  it('is upper case with underscores, the slot last', () => {
    expect(secretVariable('github-token', '')).toBe('CLAWPATROL_SECRET_GITHUB_TOKEN')
    expect(secretVariable('a.b', 'private-key')).toBe('CLAWPATROL_SECRET_A_B_PRIVATE_KEY')
  })
})

describe('withoutSecrets()', () => {
  it('leaves out whatever opens a secret and nothing else', () => {
    const env = {
      CLAWPATROL_SECRET_X: '1',
      CLAWPATROL_MASTER_KEY: '1',
      CLAWPATROL_MASTER_PASSPHRASE: '1',
      CLAWPATROL_NEXT_MASTER_KEY: '1',
      CLAWPATROL_STATE: 's',
      PATH: 'p',
    }
    expect(withoutSecrets(env)).toEqual({ CLAWPATROL_STATE: 's', PATH: 'p' })
  })
})

describe('withoutLineEnd()', () => {
  it('takes one line end off', () => {
    expect(['a', 'a\n', 'a\r\n', 'a\n\n', '\n'].map(withoutLineEnd)).toEqual(['a', 'a', 'a', 'a\n', ''])
  })
})

describe('seal()', () => {
  const key = Buffer.alloc(keyBytes, 7)

  it('opens with the same key and context only', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (plain, context) => {
        const sealed = seal(key, Buffer.from(plain), context)
        expect(unseal(key, sealed, context)).toEqual(Buffer.from(plain))
        expect(unseal(key, sealed, `${context}x`)).toBeNull()
        expect(unseal(Buffer.alloc(keyBytes, 8), sealed, context)).toBeNull()
      }),
      { numRuns: 100 },
    )
  })

  it('notices each changed byte and each cut', () => {
    const sealed = seal(key, Buffer.from('value'), 'c')
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(unseal(key, changed, 'c')).toBeNull()
      expect(unseal(key, sealed.subarray(0, at), 'c')).toBeNull()
    }
  })

  it('never gives the same bytes twice', () => {
    expect(seal(key, Buffer.from('v'), 'c')).not.toEqual(seal(key, Buffer.from('v'), 'c'))
  })
})
