import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { md5Password } from './md5.ts'
import { saslprep } from './saslprep.ts'
import { type ChannelBinding, startScram } from './scram.ts'

const none: ChannelBinding = { kind: 'none' }
const salt = Buffer.from('0123456789abcdef')
const first = (nonce: string, iterations: number | string = 4096) =>
  `r=${nonce}server,s=${salt.toString('base64')},i=${iterations}`

/** What a server that knows the password checks and answers: the stored keys of RFC 5802. */
function serverSide(password: string, bare: string, serverFirst: string, clientFinal: string) {
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256')
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  const [withoutProof = '', proof = ''] = clientFinal.split(',p=')
  const message = `${bare},${serverFirst},${withoutProof}`
  const clientSignature = hmac(storedKey, message)
  const clientKey = Buffer.from(proof, 'base64').map((byte, at) => byte ^ (clientSignature[at] ?? 0))
  return {
    isRight: createHash('sha256').update(clientKey).digest().equals(storedKey),
    final: `v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`,
  }
}

describe('startScram()', () => {
  it.each([
    ['n,,', 'biws', none],
    ['y,,', 'eSws', { kind: 'not_offered' }],
    [
      'p=tls-server-end-point,,',
      Buffer.concat([Buffer.from('p=tls-server-end-point,,'), Buffer.alloc(32, 9)]).toString('base64'),
      { kind: 'tls-server-end-point', hash: Buffer.alloc(32, 9) },
    ],
  ] as [
    string,
    string,
    ChannelBinding,
  ][])('proves the password with the header %s', async (header, channel, binding) => {
    const scram = startScram('secret', binding, 'abc')
    expect(scram.clientFirst).toBe(`${header}n=,r=abc`)
    expect(scram.mechanism).toBe(header.startsWith('p') ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256')
    // the second time the salted password is remembered
    for (const _ of [1, 2]) {
      const answer = await scram.answer(first('abc'))
      expect(answer.startsWith(`c=${channel},r=abcserver,p=`)).toBe(true)
      const server = serverSide('secret', 'n=,r=abc', first('abc'), answer)
      expect(server.isRight).toBe(true)
      expect(() => scram.verify(server.final)).not.toThrow()
    }
  })

  it('chooses a nonce of its own each time', () => {
    expect(startScram('x', none).clientFirst).not.toBe(startScram('x', none).clientFirst)
  })

  it.each([
    ['does not add to the nonce', `r=abc,s=AAAA,i=4096`, 'did not add to the SCRAM nonce'],
    ['answers with another nonce', `r=xyzserver,s=AAAA,i=4096`, 'did not add to the SCRAM nonce'],
    ['wants too few iterations', first('abc', 4095), '4095 SCRAM iterations'],
    ['wants too many iterations', first('abc', 1_000_001), '1000001 SCRAM iterations'],
    ['demands an extension', `m=x,${first('abc')}`, 'malformed'],
    ['leaves out the salt', 'r=abcserver,i=4096', 'malformed'],
    ['sends a salt that is none', 'r=abcserver,s=!,i=4096', 'malformed'],
    ['sends a huge salt', `r=abcserver,s=${'A'.repeat(2000)},i=4096`, 'salt'],
    ['sends a huge nonce', `r=abc${'x'.repeat(2000)},s=AAAA,i=4096`, 'malformed'],
    ['counts in another way', first('abc', '4096e9'), 'malformed'],
  ])('refuses a server that %s', async (_, message, words) => {
    await expect(startScram('secret', none, 'abc').answer(message)).rejects.toThrow(words)
  })

  it('refuses a server that does not prove itself', async () => {
    const scram = startScram('secret', none, 'abc')
    const answer = await scram.answer(first('abc'))
    const { final } = serverSide('another', 'n=,r=abc', first('abc'), answer)
    for (const wrong of [final, 'v=', '', 'e=other-error', `x=${final}`])
      expect(() => scram.verify(wrong)).toThrow('did not prove')
    expect(() => startScram('secret', none, 'abc').verify(final)).toThrow('did not prove')
  })

  it('never takes a message it does not understand', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 80 }), async (message) => {
        await expect(startScram('secret', none, 'abc').answer(message)).rejects.toThrow()
      }),
      { numRuns: 200 },
    )
  })
})

describe('saslprep()', () => {
  it.each([
    // RFC 4013 section 3
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    // prohibited: taken as it is
    ['\u0007', '\u0007'],
    ['\u00ad\u0007', '\u00ad\u0007'],
    ['\u0627\u0031', '\u0627\u0031'],
    ['\u0627\u0031\u0628', '\u0627\u0031\u0628'],
    ['\u0627a\u0628', '\u0627a\u0628'],
    ['a\u00a0b', 'a b'],
    ['\u2000', ' '],
    ['\u00ad', '\u00ad'],
    ['e\u0301', '\u00e9'],
    // not assigned in Unicode 3.2
    ['\u0221\u00ad', '\u0221\u00ad'],
    ['\ud83d\ude00\u2168', '\ud83d\ude00\u2168'],
    ['\ud800', '\ud800'],
  ])('%j becomes %j', (text, prepared) => {
    expect(saslprep(text)).toBe(prepared)
  })
})

describe('md5Password()', () => {
  it('is what PostgreSQL computes', () => {
    const inner = createHash('md5').update('secretagent').digest('hex')
    const outer = createHash('md5')
      .update(inner)
      .update(Buffer.from([1, 2, 3, 4]))
      .digest('hex')
    expect(md5Password('agent', 'secret', Buffer.from([1, 2, 3, 4]))).toBe(`md5${outer}`)
  })
})
