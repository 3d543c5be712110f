import { describe, expect, it } from 'vitest'
import { Shutdown } from './shutdown.ts'

function shutdown(stepMs = 1000) {
  const troubles: string[] = []
  const onTrouble = (step: string, error: unknown) => troubles.push(`${step}: ${(error as Error).message}`)
  return { steps: new Shutdown({ stepMs, onTrouble }), troubles }
}

describe('a shutdown', () => {
  it('closes the last opened first, one after the other', async () => {
    const { steps } = shutdown()
    const order: string[] = []
    for (const name of ['database', 'pools', 'listener']) {
      steps.defer(name, async () => {
        order.push(`${name} begins`)
        await Promise.resolve()
        order.push(`${name} ends`)
      })
    }
    await steps.run()
    expect(order).toEqual([
      'listener begins',
      'listener ends',
      'pools begins',
      'pools ends',
      'database begins',
      'database ends',
    ])
  })

  it('goes on after a step that throws, rejects or hangs, and says so', async () => {
    const { steps, troubles } = shutdown(20)
    let isClosed = false
    steps.defer('last', () => {
      isClosed = true
    })
    steps.defer('hangs', () => new Promise(() => undefined))
    steps.defer('rejects', () => Promise.reject(new Error('no')))
    steps.defer('throws', () => {
      throw new Error('never')
    })
    await steps.run()
    expect(isClosed).toBe(true)
    expect(troubles).toEqual(['throws: never', 'rejects: no', 'hangs: not done after 20 ms'])
  })

  it('happens once, whoever asks', async () => {
    const { steps } = shutdown()
    let times = 0
    steps.defer('counted', () => {
      times += 1
    })
    await Promise.all([steps.run(), steps.run()])
    await steps.run()
    expect(times).toBe(1)
  })

  it('disposes of what it was given to use', async () => {
    const { steps } = shutdown()
    let isOpen = true
    const resource = {
      async [Symbol.asyncDispose]() {
        isOpen = false
      },
    }
    expect(steps.use('resource', resource)).toBe(resource)
    await steps.run()
    expect(isOpen).toBe(false)
  })
})
